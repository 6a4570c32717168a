// npm fhirclient, SMART's own: it reads /metadata for the patient parameter before it asks for a patient's resources.
const assert = require("node:assert");
const FHIR = require("fhirclient");

const { B: serverUrl, T: token, P: patient } = process.env;
const adapter = { headers: {}, url: "/", protocol: "http", get: () => undefined };

(async () => {
  const client = FHIR(adapter, {}).client({ serverUrl, tokenResponse: { patient, access_token: token, token_type: "bearer" } });
  const person = await client.patient.read();
  assert.equal(person.resourceType, "Patient");
  assert.equal(person.id, patient);
  const observations = await client.patient.request("Observation", { flat: true, pageLimit: 0 });
  const found = observations.filter((one) => one.resourceType === "Observation");
  assert.equal(found.length, 5, "all pages are read");
  const some = await client.request({ url: `Observation?patient=${patient}&_count=2&code=http://loinc.org|2823-3` }, { pageLimit: 0, flat: true });
  assert.equal(some.filter((one) => one.resourceType === "Observation").length, 5, "page links lead on");
  const created = await client.create({
    resourceType: "Observation",
    status: "final",
    code: { coding: [{ system: "http://loinc.org", code: "8867-4" }] },
    subject: { reference: `Patient/${patient}` },
    effectiveDateTime: "2026-11-22T09:00:00Z",
    valueQuantity: { value: 72, unit: "/min" },
  });
  assert.ok(created.id);
  const again = await client.request(`Observation/${created.id}`);
  assert.equal(again.valueQuantity.value, 72);
  await assert.rejects(client.request("Procedure/1"), /404/);
  console.log(`fhirclient: ${found.length} observations, created ${created.resourceType}`);
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
