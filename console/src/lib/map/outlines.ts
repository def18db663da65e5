// Coasts and borders of the world, 1:50 million, from Natural Earth (public domain): the base that is always there.
import countries from "world-atlas/countries-50m.json";
import { feature, mesh } from "topojson-client";
import type { FeatureCollection } from "geojson";
import { unwrapped } from "./unwrapped";
import type { GeometryCollection, Topology } from "topojson-specification";

type World = Topology<{ countries: GeometryCollection; land: GeometryCollection }>;
const world = countries as unknown as World;

export const land = unwrapped(feature(world, world.objects.land) as unknown as FeatureCollection);
/** Borders between two countries; a coast is none. */
export const borders = mesh(world, world.objects.countries, (one, other) => one !== other);
