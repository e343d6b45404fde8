//! Which sequence computes how many tokens in a step: a pure function.

/// What a sequence could compute now.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Demand {
    /// Tokens it still has to compute; 0 for one that waits for another's prefix.
    pub(super) pending: usize,
    /// How many of them come before the first whose logits are needed.
    pub(super) silent: usize,
    /// It writes its answer: one token that must not wait.
    pub(super) decoding: bool,
}

/// Tokens per sequence. Answers get their token first; prompts share the rest of `budget` in order. At most
/// `outputs` tokens need logits.
pub(super) fn share_out(demands: &[Demand], budget: usize, outputs: usize) -> Vec<usize> {
    let mut takes: Vec<usize> = demands.iter().map(|demand| usize::from(demand.decoding)).collect();
    let decoding: usize = takes.iter().sum();
    let mut tokens_left = budget.saturating_sub(decoding);
    let mut outputs_left = outputs.saturating_sub(decoding);
    for (take, demand) in takes.iter_mut().zip(demands).filter(|(_, demand)| !demand.decoding) {
        *take = demand.pending.min(tokens_left).min(demand.silent + outputs_left);
        tokens_left -= *take;
        outputs_left -= take.saturating_sub(demand.silent);
    }
    takes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn prompt(pending: usize) -> Demand {
        Demand { pending, silent: pending.saturating_sub(1), decoding: false }
    }

    const ANSWER: Demand = Demand { pending: 1, silent: 0, decoding: true };

    #[test]
    fn answers_go_on_while_a_long_prompt_is_computed() {
        assert_eq!(share_out(&[prompt(1000), ANSWER, ANSWER], 64, 8), [62, 1, 1]);
    }

    #[test]
    fn prompts_are_taken_in_order() {
        assert_eq!(share_out(&[prompt(40), prompt(40), prompt(0)], 64, 8), [40, 24, 0]);
    }

    #[test]
    fn scored_tokens_need_logits_and_stay_within_them() {
        let scoring = Demand { pending: 100, silent: 10, decoding: false };
        assert_eq!(share_out(&[scoring, prompt(5)], 512, 16), [26, 4]);
    }

    proptest! {
        #[test]
        fn no_bound_is_exceeded(
            parts in prop::collection::vec((0usize..50, 0usize..50, any::<bool>()), 0..8),
            budget in 8usize..100,
            outputs in 8usize..20,
        ) {
            let demands: Vec<Demand> = parts
                .into_iter()
                .map(|(pending, silent, decoding)| match decoding {
                    true => ANSWER,
                    false => Demand { pending, silent: silent.min(pending), decoding },
                })
                .collect();
            let takes = share_out(&demands, budget, outputs);
            prop_assert!(takes.iter().sum::<usize>() <= budget);
            let rows = takes.iter().zip(&demands).map(|(take, demand)| take.saturating_sub(demand.silent));
            prop_assert!(rows.sum::<usize>() <= outputs);
            prop_assert!(takes.iter().zip(&demands).all(|(take, demand)| *take <= demand.pending));
            prop_assert!(takes.iter().zip(&demands).all(|(take, demand)| !demand.decoding || *take == 1));
        }
    }
}
