//! Reading in or outside a transaction with the same code.

use crate::error::Error;
use crate::param::Param;
use crate::row::Row;
use crate::statement::Statement;
use crate::store::Store;
use crate::tx::Tx;

/// Whatever rows can be read from: the last committed state, or what a transaction sees.
pub trait Read: Send {
    /// Runs a statement that reads.
    ///
    /// # Errors
    /// As [`Store::fetch_all`] and [`Tx::fetch_all`].
    fn rows(
        &mut self,
        statement: &Statement,
        params: Vec<Param>,
    ) -> impl Future<Output = Result<Vec<Row>, Error>> + Send;
}

impl Read for Tx {
    async fn rows(&mut self, statement: &Statement, params: Vec<Param>) -> Result<Vec<Row>, Error> {
        self.fetch_all(statement, params).await
    }
}

impl Read for Store {
    async fn rows(&mut self, statement: &Statement, params: Vec<Param>) -> Result<Vec<Row>, Error> {
        self.fetch_all(statement, params).await
    }
}
