//! Functions that no query can name: what operators are made of.

use super::FunctionClass::Scalar;
use super::Row;

/// Engines find them under these names, like those of the registry.
#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    Row { class: Scalar, aliases: &[],
        signatures: "op_parse_kv(text: string, keys: dynamic, form: dynamic): dynamic",
        doc: "`parse-kv`: the texts of the listed keys, as a bag." },
    Row { class: Scalar, aliases: &[],
        signatures: "op_networks_of(ip: string, version: long): dynamic",
        doc: "`ipv4_lookup`, `ipv6_lookup`: every network that an address lies in, narrowest first." },
    Row { class: Scalar, aliases: &[],
        signatures: "op_network(range: string, version: long): string",
        doc: "`ipv4_lookup`, `ipv6_lookup`: the canonical text of a network, as `op_networks_of` spells it." },
    Row { class: Scalar, aliases: &[],
        signatures: "op_geo_cells_of(longitude: real, latitude: real): dynamic",
        doc: "`geo_polygon_lookup`, `geo_line_lookup`: cells around a place, from coarse to fine." },
    Row { class: Scalar, aliases: &[],
        signatures: "op_geo_cover_polygon(polygon: dynamic, radius: real): dynamic",
        doc: "`geo_polygon_lookup`: some of the cells that `op_geo_cells_of` lists, over a polygon and so many metres around it." },
    Row { class: Scalar, aliases: &[],
        signatures: "op_geo_cover_line(line: dynamic, radius: real): dynamic",
        doc: "`geo_line_lookup`: some of the cells that `op_geo_cells_of` lists, over a line and so many metres around it." },
    Row { class: Scalar, aliases: &[],
        signatures: "op_hll_common(...sketch: dynamic): long",
        doc: "`dcount_intersect`: how many values all sketches have in common." },
    Row { class: Scalar, aliases: &[],
        signatures: "op_sort_together_asc(nulls_last: bool, ...array: dynamic): dynamic",
        doc: "`array_sort_asc` of several arrays: the first in order, the others in the same order." },
    Row { class: Scalar, aliases: &[],
        signatures: "op_sort_together_desc(nulls_last: bool, ...array: dynamic): dynamic",
        doc: "`array_sort_desc` of several arrays: the first in order, the others in the same order." },
    Row { class: Scalar, aliases: &[],
        signatures: "op_without_empty(bag: dynamic): dynamic",
        doc: "`pack_all(true)`: a bag without null and empty values." },
    Row { class: Scalar, aliases: &[],
        signatures: "op_data_size(...value: any): long",
        doc: "`estimate_data_size`: about how many bytes the values take." },
];
