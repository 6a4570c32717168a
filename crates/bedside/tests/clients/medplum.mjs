// npm @medplum/core: reads, searches, creates under a condition, posts a batch without the slash.
import assert from "node:assert";

globalThis.WebSocket ??= class {};
const { MedplumClient } = await import("@medplum/core");

const { B: base, T: token, P: patient } = process.env;
const url = new URL(base);
const medplum = new MedplumClient({ baseUrl: `${url.origin}/`, fhirUrlPath: "fhir", tokenUrl: `${url.origin}/auth/token`, fetch });
medplum.setAccessToken(token);

const person = await medplum.readResource("Patient", patient);
assert.equal(person.id, patient);
const people = await medplum.searchResources("Patient", "family=quillfeather");
assert.equal(people.length, 1);
const found = await medplum.search("Observation", { patient, code: "http://loinc.org|2823-3", _sort: "-date", _count: "2" });
assert.equal(found.total, 5);
let seen = 0;
for await (const resources of medplum.searchResourcePages("Observation", `patient=${patient}&code=2823-3&_count=2`)) {
  seen += resources.filter((one) => one.resourceType === "Observation").length;
}
assert.equal(seen, 5);
const reading = {
  resourceType: "Observation",
  status: "final",
  identifier: [{ system: "urn:device", value: "m-1" }],
  code: { text: "Heart rate" },
  subject: { reference: `Patient/${patient}` },
  effectiveDateTime: "2026-11-22T09:10:00Z",
  valueQuantity: { value: 70, unit: "/min" },
};
const made = await medplum.createResourceIfNoneExist(reading, "identifier=urn:device|m-1");
assert.ok(made.id);
const batch = await medplum.executeBatch({
  resourceType: "Bundle",
  type: "batch",
  entry: [{ request: { method: "POST", url: "Observation", ifNoneExist: "identifier=urn:device|m-1" }, resource: reading }],
});
assert.match(batch.entry[0].response.status, /^200/);
await assert.rejects(medplum.readResource("Patient", "nobody"));
console.log(`medplum: ${seen} observations in pages, one reading created once`);
