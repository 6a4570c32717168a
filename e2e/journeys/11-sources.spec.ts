import { as, expect, expectAccessible, expectFits, picture, test } from "./fixtures";

test("every EHR is shown with its state, its breaker, its rate and its last answer", async ({ signedIn: page }) => {
  await as(page, "engineer");
  await expect(async () => {
    await page.goto("/sources");
    await expect(page.locator(".connection")).toHaveCount(3, { timeout: 1_000 });
    await expect(page.locator(".connection").first()).toContainText(/ago|just now/, { timeout: 1_000 });
  }).toPass({ timeout: 45_000 });
  for (const card of await page.locator(".connection").all()) {
    await expect(card.locator("header .chip")).toContainText(/answers|does not answer|paused/);
    await expect(card).toContainText("Circuit breaker");
    await expect(card).toContainText("in the last minute");
  }
  for (const name of ["Incidents", "What each source has been seen to show", "Ways to write", "Completeness"]) {
    await expect(page.getByRole("heading", { name })).toBeVisible();
  }
  await expectAccessible(page);
  await picture(page, "sources");
  await page.locator(".connection h2 a").first().click();
  await expect(page.getByRole("heading", { name: "What was asked for each patient, and how it ended" })).toBeVisible();
  await expect(page.locator("#asked tbody tr").first()).toContainText(/complete|incomplete|refused|failed|not asked/);
  await expectAccessible(page);
  await picture(page, "source");
  await page.setViewportSize({ width: 390, height: 844 });
  for (const path of ["/sources", new URL(page.url()).pathname]) {
    await page.goto(path);
    await expectFits(page);
    await expectAccessible(page);
  }
  await picture(page, "phone-source");
});

test("a source that is paused stands above every page until it is asked again", async ({ signedIn: page }) => {
  await as(page, "engineer");
  await page.goto("/sources");
  const name = await page.locator(".connection h2").first().innerText();
  const banner = page.locator("#outage [role=alert]");
  await page.getByRole("button", { name: `Pause ${name}` }).click();
  await expect(banner).toContainText(`${name} is paused by a person`);
  await expect(banner).toContainText("nobody may assume “no results”");
  await expectAccessible(page);
  await picture(page, "banner");

  await as(page, "clinician");
  for (const path of ["/worklist", "/patients", "/sources"]) {
    await page.goto(path);
    await expect(banner).toContainText(`${name} is paused by a person`);
  }
  await page.goto("/worklist?tab=mine");
  await expectAccessible(page);
  await picture(page, "worklist-banner");
  await page.setViewportSize({ width: 320, height: 800 });
  await expectFits(page);
  await page.setViewportSize({ width: 1280, height: 900 });

  await as(page, "engineer");
  await page.goto("/sources");
  await page.getByRole("button", { name: `Resume ${name}` }).click();
  await expect(async () => {
    await page.goto("/sources");
    await expect(banner).toHaveCount(0, { timeout: 500 });
  }).toPass({ timeout: 30_000 });
});

test("a clinician sees who answers, and nothing to press", async ({ signedIn: page }) => {
  await as(page, "clinician");
  await page.goto("/sources");
  await expect(page.locator(".connection").first()).toBeVisible();
  await expect(page.getByRole("button", { name: /Pause|Resume|Ask everything anew/ })).toHaveCount(0);
  await expectAccessible(page);
});
