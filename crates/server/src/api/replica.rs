//! Other nodes: what they and this one tell each other, how old the picture of them is, and what they said last.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use replica::link::PIECE_BYTES;
use replica::{LaneView, NodeView, PeerView, RecordFilter, RecordView, Replica};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::action::Action;
use crate::api::words::Instant;
use crate::app::App;
use crate::auth::caller::Caller;
use crate::body::{self, Filter, Limits};
use crate::problem::Problem;
use crate::routes::Routes;

const FRAME: &str = "application/octet-stream";
/// A frame: its head and the largest piece.
const MOST_FRAME_BYTES: usize = 128 << 10;
const USUAL_RECORDS: u32 = 200;

/// This node and the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Nodes {
    /// The name of this node; `None`: it has none, and talks to no other.
    pub node: Option<String>,
    pub now: Instant,
    pub peers: Vec<PeerNode>,
}

/// Another node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PeerNode {
    pub node: String,
    /// up, down or unheard.
    pub state: String,
    /// When it last spoke.
    pub heard: Option<Instant>,
    /// What is known of it is as of then.
    pub as_of: Option<Instant>,
    /// Whole minutes since it was heard: how long the link is down.
    pub silent_min: i64,
    /// Entries that it has and this node has not.
    pub behind: i64,
    /// Entries that this node has and it has not.
    pub owed: i64,
    /// What went wrong last, while nothing went right since.
    pub problem: Option<String>,
}

/// One lane between this node and another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NodeLane {
    /// distress, deadline, log or bulk: the most urgent first.
    pub lane: String,
    /// Entries that it has and this node has not.
    pub behind: i64,
    /// Entries that this node has and it has not.
    pub owed: i64,
    /// How far its log is here, and how far it goes by its own word.
    pub held: i64,
    pub told: i64,
    /// Bytes that are here of a batch that is not whole, and how many it has; absent: none is on its way.
    pub waiting_bytes: Option<i64>,
    pub batch_bytes: Option<i64>,
}

/// What a node sent and this one could not take: nothing of it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NodeRefusal {
    pub time: Instant,
    pub problem: String,
}

/// Another node with its lanes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NodeLink {
    pub peer: PeerNode,
    pub lanes: Vec<NodeLane>,
    /// The latest twenty, the latest first.
    pub refusals: Vec<NodeRefusal>,
}

/// The links of this node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NodeLinks {
    /// The name of this node; `None`: it has none, and talks to no other.
    pub node: Option<String>,
    pub now: Instant,
    pub nodes: Vec<NodeLink>,
}

/// What a node said last of a thing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NodeRecord {
    pub node: String,
    /// log, mission, alarm, incident, position, distress or distress-cancelled.
    pub kind: String,
    pub subject: String,
    /// When it said so, in its own time.
    pub time: Instant,
    pub body: serde_json::Value,
}

/// Things of other nodes, those that changed last first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NodeRecords {
    pub records: Vec<NodeRecord>,
}

/// Which things.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct NodeRecordFilter {
    /// log, mission, alarm, incident, position, distress or distress-cancelled.
    kind: String,
    /// Only of this node.
    node: Option<String>,
    /// Only what changed before.
    before: Option<Instant>,
    /// At most so many; 200 when it is not said.
    limit: Option<u32>,
}

/// An incident that this room and another know under two numbers, which both stay in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SharedIncident {
    pub ours: String,
    pub node: String,
    pub theirs: String,
    pub our_text: String,
    pub their_text: String,
    /// The worse of the two.
    pub severity: String,
    pub open: bool,
    /// Why the two are taken for one.
    pub reason: String,
    /// Perhaps one, perhaps two: a person has to ask.
    pub perhaps: bool,
}

/// Incidents that two rooms know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SharedIncidents {
    pub incidents: Vec<SharedIncident>,
}

/// Registers the operations of this page.
pub fn routes(routes: &mut Routes) {
    routes.add(__path_exchange_between_nodes, Action::Replicate, exchange_between_nodes);
    routes.add(__path_list_nodes, Action::ReadField, list_nodes);
    routes.add(__path_list_node_links, Action::ReadField, list_node_links);
    routes.add(__path_list_node_records, Action::ReadField, list_node_records);
    routes.add(__path_list_shared_incidents, Action::ReadField, list_shared_incidents);
}

fn this_node(app: &App) -> Result<&Replica, Problem> {
    let missing = || Problem::not_found("node", "this one").help("give it a name in the configuration: replica.node");
    app.replica.as_ref().ok_or_else(missing)
}

/// Takes a frame of another node and answers with one. The token's name is the node that speaks.
#[utoipa::path(post, path = "/api/v1/replica/exchange", tag = "replica", request_body(content = String, content_type = "application/octet-stream"), responses((status = 200, body = String, content_type = "application/octet-stream")))]
async fn exchange_between_nodes(
    State(app): State<Arc<App>>,
    caller: Caller,
    request: Request,
) -> Result<Response, Problem> {
    let node = this_node(&app)?;
    let Caller::Token(token) = &caller else {
        return Err(Problem::forbidden("only a node with a token of scope `replicate` takes part"));
    };
    if let Some(fault) = replica::node_fault(&token.name) {
        return Err(Problem::invalid(fault).help("make a token whose name is that of the other node"));
    }
    if token.name == node.node() {
        return Err(Problem::invalid(format!("this node is {} itself: the other needs a name of its own", token.name)));
    }
    let (parts, body) = request.into_parts();
    body::expect_type(&parts.headers, &[FRAME])?;
    let limits = Limits { travelling: MOST_FRAME_BYTES, decoded: MOST_FRAME_BYTES };
    let read = body::read(&parts.headers, body, limits, &app.ingest_memory, &app.config, app.clock.as_ref()).await?;
    match node.answer(&token.name, &read.bytes, PIECE_BYTES).await {
        Ok(answer) => Ok(([(header::CONTENT_TYPE, FRAME)], answer).into_response()),
        Err(error) => {
            // Both ends show what stands in the way.
            if let replica::Error::Refused { problem, .. } = &error {
                node.note_refusal(&token.name, problem).await?;
            }
            Err(error.into())
        }
    }
}

/// This node, the others, and how old the picture of them is.
#[utoipa::path(get, path = "/api/v1/replica", tag = "replica", responses((status = 200, body = Nodes)))]
async fn list_nodes(State(app): State<Arc<App>>) -> Result<Json<Nodes>, Problem> {
    let now = app.store.now().into();
    let Some(replica) = &app.replica else { return Ok(Json(Nodes { node: None, now, peers: Vec::new() })) };
    let peers = replica.peers().await?.into_iter().map(PeerNode::from).collect();
    Ok(Json(Nodes { node: Some(replica.node().to_owned()), now, peers }))
}

/// The links of this node, lane by lane, with what was refused lately and why.
#[utoipa::path(get, path = "/api/v1/replica/nodes", tag = "replica", responses((status = 200, body = NodeLinks)))]
async fn list_node_links(State(app): State<Arc<App>>) -> Result<Json<NodeLinks>, Problem> {
    let now = app.store.now().into();
    let Some(replica) = &app.replica else { return Ok(Json(NodeLinks { node: None, now, nodes: Vec::new() })) };
    let nodes = replica.nodes().await?.into_iter().map(node_link).collect();
    Ok(Json(NodeLinks { node: Some(replica.node().to_owned()), now, nodes }))
}

/// Things of other nodes as they last said they are.
#[utoipa::path(get, path = "/api/v1/replica/records", tag = "replica", params(NodeRecordFilter), responses((status = 200, body = NodeRecords)))]
async fn list_node_records(
    State(app): State<Arc<App>>,
    Filter(filter): Filter<NodeRecordFilter>,
) -> Result<Json<NodeRecords>, Problem> {
    let wanted = RecordFilter { kind: filter.kind, node: filter.node, before: filter.before.map(|before| before.0) };
    let records = this_node(&app)?.records(&wanted, filter.limit.unwrap_or(USUAL_RECORDS)).await?;
    Ok(Json(NodeRecords { records: records.into_iter().map(record).collect() }))
}

/// Incidents that this room and another have both written of: both texts, the worse severity.
#[utoipa::path(get, path = "/api/v1/replica/incidents", tag = "replica", responses((status = 200, body = SharedIncidents)))]
async fn list_shared_incidents(State(app): State<Arc<App>>) -> Result<Json<SharedIncidents>, Problem> {
    let shared = app.field.shared_incidents(this_node(&app)?).await?;
    let incidents = shared.into_iter().map(|one| SharedIncident {
        ours: one.ours,
        node: one.node,
        theirs: one.theirs,
        our_text: one.our_text,
        their_text: one.their_text,
        severity: one.severity,
        open: one.open,
        reason: one.reason,
        perhaps: one.perhaps,
    });
    Ok(Json(SharedIncidents { incidents: incidents.collect() }))
}

impl From<PeerView> for PeerNode {
    fn from(view: PeerView) -> PeerNode {
        PeerNode {
            node: view.node,
            state: view.state.as_str().to_owned(),
            heard: view.heard.map(Instant::from),
            as_of: view.as_of.map(Instant::from),
            silent_min: view.silent_min,
            behind: view.behind,
            owed: view.owed,
            problem: view.problem,
        }
    }
}

fn node_link(view: NodeView) -> NodeLink {
    let lane = |lane: &LaneView| NodeLane {
        lane: lane.lane.as_str().to_owned(),
        behind: (lane.told - lane.held).max(0),
        owed: (lane.own - lane.taken).max(0),
        held: lane.held,
        told: lane.told,
        waiting_bytes: lane.waiting.map(|(there, _)| there),
        batch_bytes: lane.waiting.map(|(_, whole)| whole),
    };
    let refusal = |one: replica::Refusal| NodeRefusal { time: one.time.into(), problem: one.problem };
    NodeLink {
        lanes: view.lanes.iter().map(lane).collect(),
        refusals: view.refusals.into_iter().map(refusal).collect(),
        peer: view.peer.into(),
    }
}

fn record(view: RecordView) -> NodeRecord {
    NodeRecord { node: view.node, kind: view.kind, subject: view.subject, time: view.time.into(), body: view.body }
}
