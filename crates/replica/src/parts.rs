//! A batch that arrives in pieces, kept until it is whole.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use store::{Housekeeping, Row, params};

use crate::error::Error;
use crate::frame::Piece;
use crate::lane::Lane;
use crate::replica::Replica;
use crate::sql;

impl Replica {
    /// What is there of batches that are not whole.
    pub(crate) async fn waiting(&self, node: &str) -> Result<Vec<Piece>, Error> {
        let piece = |row: &Row| {
            Ok(Piece {
                lane: row.parse("lane")?,
                first: row.int("first_seq")?,
                last: row.int("last_seq")?,
                total: row.int("total_bytes")?,
                offset: row.int("there")?,
                digest: row.text("digest")?.to_owned(),
            })
        };
        self.store.fetch_all(&sql::WAITING, params![node]).await?.iter().map(piece).collect()
    }

    /// Keeps a piece that follows what is there, or begins anew. What does neither is left: the next frame says again what
    /// is there. The whole batch when it is complete.
    pub(crate) async fn keep_piece(&self, node: &str, piece: &Piece, bytes: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let waiting = self.waiting(node).await?.into_iter().find(|known| known.lane == piece.lane);
        let follows = waiting.as_ref().is_some_and(|known| known.is_of(piece) && known.offset == piece.offset);
        if !follows && piece.offset != 0 {
            return Ok(None);
        }
        let length = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        if piece.offset + length == piece.total {
            let mut whole = if follows { self.pieces(node, piece.lane).await? } else { Vec::new() };
            whole.extend_from_slice(bytes);
            return Ok(Some(whole));
        }
        let mut tx = self.store.housekeeping(Housekeeping::Replica).await?;
        if !follows {
            tx.execute(&sql::DROP_PARTS, params![node, piece.lane.as_str()]).await?;
        }
        let row = params![
            node,
            piece.lane.as_str(),
            piece.offset,
            piece.first,
            piece.last,
            piece.total,
            &piece.digest,
            length,
            STANDARD.encode(bytes)
        ];
        tx.execute(&sql::INSERT_PART, row).await?;
        tx.commit().await?;
        Ok(None)
    }

    async fn pieces(&self, node: &str, lane: Lane) -> Result<Vec<u8>, Error> {
        let mut whole = Vec::new();
        for row in self.store.fetch_all(&sql::PARTS, params![node, lane.as_str()]).await? {
            let piece = STANDARD.decode(row.text("piece")?);
            whole.extend(piece.map_err(|error| Error::refused(node, format!("a kept piece is damaged: {error}")))?);
        }
        Ok(whole)
    }

    /// Forgets what is there of a batch that turned out to be none.
    pub(crate) async fn drop_pieces(&self, node: &str, lane: Lane) -> Result<(), Error> {
        let mut tx = self.store.housekeeping(Housekeeping::Replica).await?;
        tx.execute(&sql::DROP_PARTS, params![node, lane.as_str()]).await?;
        Ok(tx.commit().await?)
    }
}
