"""PyPI fhirclient, whose models are strict: what is no valid R4 resource it refuses to read."""

import os

from fhirclient import client
from fhirclient.models.allergyintolerance import AllergyIntolerance
from fhirclient.models.condition import Condition
from fhirclient.models.observation import Observation
from fhirclient.models.patient import Patient

smart = client.FHIRClient(settings={"app_id": "clients", "api_base": os.environ["B"]})
token = os.environ["T"]
smart.server.session.headers["Authorization"] = f"Bearer {token}"
patient = os.environ["P"]

# Reads the capability statement first.
smart.prepare()
person = Patient.read(patient, smart.server)
assert person.id == patient and person.name[0].family == "Quillfeather"
found = Observation.where({"patient": patient, "code": "http://loinc.org|2823-3", "_count": "2"})
bundle = found.perform(smart.server)
assert bundle.total == 5, bundle.total
every = [one for one in found.perform_resources_iter(smart.server) if isinstance(one, Observation)]
assert len(every) == 5, len(every)
assert len(Condition.where({"patient": patient}).perform_resources(smart.server)) >= 1
# Nobody asked for allergies, so the empty answer says so.
empty = AllergyIntolerance.where({"patient": patient}).perform(smart.server)
assert empty.total == 0 and empty.entry[0].search.mode == "outcome"
assert empty.entry[0].resource.issue[0].code == "incomplete"
print(f"fhirclient (Python): {len(every)} observations, an empty list that says what it lacks")
