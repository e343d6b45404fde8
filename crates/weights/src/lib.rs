//! Model files: registry entries, sources and checksums, GGUF and safetensors, tokenizers, chat templates.
