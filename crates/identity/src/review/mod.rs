//! Reviews: somebody who knows looks at what people hold, one access after the other, and what they decide is looked for
//! at the target. Nothing counts as removed because somebody said so.

mod campaign;
mod commands;
mod decide;
mod gather;
mod item;
mod report;

pub use campaign::{Campaign, CampaignScope, CampaignState, NewCampaign, OnSilence};
pub use decide::{Verdict, decide};
pub use item::{ItemState, ReviewItem, SourceShown};
pub use report::{ReviewerFigures, figures};

pub(crate) use campaign::find as find_campaign;
pub(crate) use commands::{CAMPAIGN_DUE, VERIFY, close_due, reroute_all, verify};
pub(crate) use item::all_of as items_of;
