//! What listens or is listened to beside the channels that send: DirectIP over TCP, a receiver of positions, MQTT.

mod directip;
mod mqtt;
mod receiver;

pub use directip::run_directip;
pub use mqtt::{Mqtt, MqttSettings};
pub use receiver::{ReceiverSettings, run_receiver};
