//! `/props`: the model and how it is served.

use wire::engine::{Build, EngineProps, TemplateProps};

use crate::embedding;
use crate::native::{self, Model};
use crate::options::Sizes;
use crate::prompt::Composer;

pub(crate) fn of_text_model(model: &Model, sizes: Sizes, composer: Option<&Composer>) -> EngineProps {
    let template = composer.map_or_else(TemplateProps::default, |composer| TemplateProps {
        has_tools: composer.style().is_some(),
        has_system: composer.knows_system(),
    });
    EngineProps { slots: sizes.slots, template, vocabulary: small(model.vocabulary_size()), ..common(model, sizes) }
}

pub(crate) fn of_embedding_model(model: &Model, sizes: Sizes) -> EngineProps {
    EngineProps {
        slots: 1,
        vocabulary: small(embedding::vocabulary_size(model)),
        embedding_dimensions: Some(small(model.embedding_width())),
        ..common(model, sizes)
    }
}

fn common(model: &Model, sizes: Sizes) -> EngineProps {
    EngineProps {
        architecture: model.metadata("general.architecture").unwrap_or_default(),
        parameters: model.parameters(),
        context_length: sizes.context,
        train_context_length: model.train_context(),
        build: Build { llama_cpp: native::version(), cpu_flags: native::cpu_features() },
        ..EngineProps::default()
    }
}

fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
