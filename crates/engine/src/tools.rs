//! Function calls: in which form a model writes them, how it is made to, and how they are read back.

mod call;
mod plan;
mod reader;
mod style;

pub(crate) use plan::{ToolPlan, plan};
pub(crate) use reader::{CallReader, Piece};
pub(crate) use style::{MARKERS, Style};
