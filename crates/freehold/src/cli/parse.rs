//! `freehold parse`: the child process that reads files. `serve` starts it, and it ends when its standard input does.

use clap::Args;
use knowledge::parse::ChildLimits;

use crate::error::FreeholdError;

#[derive(Debug, Args)]
pub(super) struct Parse {}

impl Parse {
    pub(super) fn run(self) -> Result<(), FreeholdError> {
        let (input, output) = (std::io::stdin().lock(), std::io::stdout().lock());
        knowledge::parse::serve(input, output, &ChildLimits::default()).map_err(|error| FreeholdError::Failed {
            problem: format!("the parser ended: {error}"),
            mend: "it is started by `freehold serve`, and not by hand".to_owned(),
        })
    }
}
