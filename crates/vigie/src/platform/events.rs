//! The lake as desks see it: queries by the engine, rows by the same way in as everybody's.

use std::sync::Arc;

use async_trait::async_trait;
use kernel::TableSchema;
use kernel::port::{Answer, AnswerStream, Delivery, DeliveryError, EventLake, IntakePort, QueryError, QueryRequest};
use lake::QueryEngine;

use super::intake_port::{OWN_SOURCE, Pipeline};

/// Lake and way in, together.
pub struct Events {
    pub engine: Arc<QueryEngine>,
    pub pipeline: Arc<Pipeline>,
}

#[async_trait]
impl EventLake for Events {
    async fn append(
        &self,
        table: &str,
        rows: Vec<serde_json::Map<String, serde_json::Value>>,
    ) -> Result<(), DeliveryError> {
        let lines: String = rows.into_iter().map(|row| serde_json::Value::Object(row).to_string() + "\n").collect();
        let delivery =
            Delivery { source: OWN_SOURCE.to_owned(), table: Some(table.to_owned()), body: lines.into(), key: None };
        self.pipeline.accept(delivery).await.map(drop)
    }

    async fn query(&self, request: QueryRequest) -> Result<Answer, QueryError> {
        self.engine.query(request).await
    }

    async fn stream(&self, request: QueryRequest) -> Result<AnswerStream, QueryError> {
        self.engine.stream(request).await
    }

    fn tables(&self) -> Vec<TableSchema> {
        self.engine.tables()
    }
}
