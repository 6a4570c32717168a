// npm fhir-kit-client: discovery in three places at once, reads, searches by both methods, compartments, vread, pages and a batch.
import assert from "node:assert";
import { Client } from "fhir-kit-client";

const { B: baseUrl, T: token, P: patient } = process.env;
const client = new Client({ baseUrl, bearerToken: token });

const metadata = await client.capabilityStatement();
assert.equal(metadata.fhirVersion, "4.0.1");
const smart = await client.smartAuthMetadata();
assert.ok(smart.tokenUrl);
const person = await client.read({ resourceType: "Patient", id: patient });
assert.equal(person.id, patient);
const one = await client.search({ resourceType: "Observation", searchParams: { patient, _count: 2 } });
assert.equal(one.resourceType, "Bundle");
let page = one;
const ids = new Set();
while (page) {
  for (const entry of page.entry ?? []) {
    if (entry.search.mode === "match") {
      ids.add(entry.resource.id);
    }
  }
  page = page.link.some((link) => link.relation === "next") ? await client.nextPage({ bundle: page }) : undefined;
}
assert.equal(ids.size, one.total);
const posted = await client.resourceSearch({ resourceType: "Observation", searchParams: { patient }, options: { postSearch: true } });
assert.equal(posted.total, one.total);
const inside = await client.compartmentSearch({ resourceType: "Condition", compartment: { resourceType: "Patient", id: patient } });
assert.equal(inside.total, 1);
const [first] = ids;
const version = await client.vread({ resourceType: "Observation", id: first, version: "1" });
assert.equal(version.meta.versionId, "1");
const batch = await client.batch({
  body: {
    resourceType: "Bundle",
    type: "batch",
    entry: [
      {
        request: { method: "POST", url: "Observation" },
        resource: {
          resourceType: "Observation",
          status: "final",
          code: { text: "Heart rate" },
          subject: { reference: `Patient/${patient}` },
          effectiveDateTime: "2026-11-22T09:05:00Z",
          valueQuantity: { value: 71, unit: "/min" },
        },
      },
    ],
  },
});
assert.match(batch.entry[0].response.status, /^201/);
await assert.rejects(client.read({ resourceType: "Patient", id: "nobody" }), (error) => error.response.status === 404);
console.log(`fhir-kit-client: ${ids.size} observations in pages, batch ${batch.entry[0].response.status}`);
