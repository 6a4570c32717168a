import { as, chart, expect, patientList, test } from "./fixtures";

test.use({ contextOptions: { javaScriptEnabled: false } });

test("without a script everything can be read, the past too", async ({ signedIn: page }) => {
  await as(page, "clinician");
  await patientList(page);
  const name = await page.locator("tbody a.name").first().innerText();
  await page.getByLabel("Find a patient").fill(name.split(",")[0]);
  await page.getByRole("button", { name: "Find" }).click();
  await expect(page.getByRole("link", { name, exact: true }).first()).toBeVisible();

  await chart(page);
  await page.getByRole("slider").focus();
  await page.keyboard.press("Home");
  await page.getByRole("button", { name: "Go" }).click();
  await expect(page.locator(".past")).toContainText("not the present");

  await as(page, "engineer");
  await page.goto("/live");
  await expect(page.getByRole("heading", { name: "Sources" })).toBeVisible();
  await page.goto("/quarantine");
  await expect(page.getByRole("heading", { name: "Quarantine" })).toBeVisible();
});
