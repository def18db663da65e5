//! Facts on their way to other rooms: at least once, in order per subscriber, with a place for what cannot be handled.

mod postman;
mod stored;
mod subscriber;

pub use postman::{Cursor, OutboxPort, Postman, Progress, StoredFact};
pub(crate) use stored::append;
pub use stored::{ParkedFact, SubscriberState};
pub use subscriber::{Delivery, HandlerError, Subscriber};
