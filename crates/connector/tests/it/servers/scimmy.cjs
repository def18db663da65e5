// A SCIM service of npm's scimmy with what it keeps in memory. Prints the port that it listens on.
const express = require("express");
const scimmy = require("scimmy");
const routers = require("scimmy-routers");
const SCIMMY = scimmy.default ?? scimmy;
const Routers = routers.default ?? routers;

const token = process.env.TOKEN;
let last = 0;

/** Declares a resource whose name must be unique. */
function keep(type, name) {
  const kept = new Map();
  const now = () => new Date();
  SCIMMY.Resources.declare(type)
    .ingress(async (resource, data) => {
      const id = resource.id ?? String(++last);
      if (resource.id && !kept.has(id)) throw new SCIMMY.Types.Error(404, null, `Resource ${id} not found`);
      const taken = [...kept.values()].some(
        (one) => one.id !== id && one[name].toLowerCase() === String(data[name]).toLowerCase(),
      );
      if (taken) throw new SCIMMY.Types.Error(409, "uniqueness", `${data[name]} is taken`);
      const created = kept.get(id)?.meta.created ?? now();
      const stored = { ...JSON.parse(JSON.stringify(data)), id, meta: { created, lastModified: now() } };
      kept.set(id, stored);
      return stored;
    })
    .egress(async (resource) => {
      if (resource.id) {
        const found = kept.get(resource.id);
        if (!found) throw new SCIMMY.Types.Error(404, null, `Resource ${resource.id} not found`);
        return found;
      }
      const all = [...kept.values()];
      return resource.filter ? resource.filter.match(all) : all;
    })
    .degress(async (resource) => {
      if (!kept.delete(resource.id)) throw new SCIMMY.Types.Error(404, null, `Resource ${resource.id} not found`);
    });
}

SCIMMY.Resources.User.extend(SCIMMY.Schemas.EnterpriseUser, false);
keep(SCIMMY.Resources.User, "userName");
keep(SCIMMY.Resources.Group, "displayName");

const app = express();
const handler = (request) => {
  if (request.header("Authorization") !== `Bearer ${token}`) throw new Error("the token does not hold");
  return "vigie";
};
app.use("/scim/v2", new Routers({ type: "bearer", handler }));
const server = app.listen(0, "127.0.0.1", () => console.log(`port ${server.address().port}`));
