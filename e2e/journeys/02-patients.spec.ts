import { as, chart, expect, expectAccessible, patientList, picture, test } from "./fixtures";

test.beforeEach(async ({ signedIn }) => as(signedIn, "clinician"));

test("a clinician finds a patient by name", async ({ signedIn: page }) => {
  await patientList(page);
  await expectAccessible(page);
  await picture(page, "patients");
  const name = await page.locator("tbody a.name").first().innerText();
  await page.getByLabel("Find a patient").fill(name.split(",")[0]);
  await page.getByRole("button", { name: "Find" }).click();
  await expect(page.getByRole("link", { name, exact: true }).first()).toBeVisible();
  // What was looked for is in the form's body, not in the address.
  await expect(page).toHaveURL(/\/patients$/);
  await expectAccessible(page);
  await picture(page, "patients-found");
});

test("nobody found is said in words", async ({ signedIn: page }) => {
  await page.goto("/patients");
  await page.getByLabel("Find a patient").fill("Zzyzxqw");
  await page.getByRole("button", { name: "Find" }).click();
  await expect(page.getByRole("heading", { name: "Nobody found" })).toBeVisible();
  await expectAccessible(page);
});

test("every value of a chart has a source and an age", async ({ signedIn: page }) => {
  await chart(page);
  await expect(page.locator(".identity dl")).toContainText("Born");
  await expect(page.locator(".warning .chip")).toBeVisible();
  for (const row of await page.locator("#labs tbody[role] > tr, #vitals tbody[role] > tr").all()) {
    await expect(row.locator("[data-label=Source] .source")).not.toBeEmpty();
    await expect(row.locator("[data-label=When] .age")).toContainText(/ago|just now|future/);
  }
  await expectAccessible(page);
  await picture(page, "chart");
});

test("none recorded, not asked and a positive none read differently", async ({ signedIn: page }) => {
  await chart(page);
  const words = ["current", "old", "sources disagree", "unconfirmed"];
  words.push("no known allergies", "no known problems", "no known medications", "no results", "no vital signs", "no encounters");
  for (const id of ["allergies", "problems", "medications", "labs", "vitals", "encounters"]) {
    const mark = page.locator(`#${id} > header .chip`);
    const text = (await mark.innerText()).replace(/^\S\s/, "");
    // What is unknown says why, in parentheses.
    if (!/^unknown \([a-z ,]+\)$/.test(text)) expect(words).toContain(text);
    await expect(page.locator(`#${id} > .asof-line`)).not.toBeEmpty();
  }
});

test("the chart in the dark", async ({ signedIn: page }) => {
  await page.emulateMedia({ colorScheme: "dark" });
  await chart(page);
  await expectAccessible(page);
  await picture(page, "chart-dark");
});
