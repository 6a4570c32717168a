import { as, critical, expect, expectAccessible, openItem, picture, test } from "./fixtures";

test.beforeEach(async ({ signedIn }) => as(signedIn, "clinician"));

test("an item shows its basis: values, ages, sources, gaps, and why it is there", async ({ signedIn: page, demo }) => {
  await openItem(page, demo);
  await expect(page.locator(".headline h1")).toContainText(/\d/);
  for (const section of await page.locator(".basis section.fact[aria-labelledby^=shown]").all()) {
    await expect(section.locator("header .chip")).not.toBeEmpty();
    await expect(section.locator(".asof-line")).toContainText(/As of|not known/);
    for (const row of await section.locator("table.cards tbody tr").all()) {
      await expect(row.locator("[data-label=Source]")).not.toBeEmpty();
      await expect(row.locator("[data-label=When]")).toContainText(/ago|just now|not known|future/);
    }
  }
  await expect(page.getByRole("heading", { name: "Why this item" })).toBeVisible();
  await expect(page.getByRole("heading", { name: "What happened" })).toBeVisible();
  await expectAccessible(page);
  await picture(page, "item");
  await page.emulateMedia({ colorScheme: "dark" });
  await expectAccessible(page);
  await picture(page, "item-dark");
});

test("acknowledged in the browser, written to the EHR, confirmed by it, and done", async ({ signedIn: page, demo }) => {
  await critical(page, demo, true);
  const path = new URL(page.url()).pathname;
  await page.getByRole("button", { name: "Acknowledge" }).click();
  await expect(page.getByText("You have acknowledged this item")).toBeVisible();
  await expect(page.locator(".has")).toContainText("(you)");
  await expect(async () => {
    await page.goto(path);
    await expect(page.locator(".writes .chip").first()).toContainText("confirmed by the EHR", { timeout: 500 });
  }).toPass({ timeout: 45_000 });
  await expectAccessible(page);
  await picture(page, "item-confirmed");

  // With the keyboard alone from here on: the first answer, and the button.
  await page.locator(".choice input").first().focus();
  await page.keyboard.press("Space");
  await page.getByRole("button", { name: "Record as done" }).focus();
  await page.keyboard.press("Enter");
  await expect(page.getByText("Recorded as done.")).toBeVisible();
  await expect(page.locator(".headline .marks")).toContainText("done");
  await expect(page.getByRole("button", { name: "Record as done" })).toHaveCount(0);
  await picture(page, "item-done");
  await page.goto("/worklist?tab=closed");
  await expect(page.locator(`a[href="${path}"]`)).toBeVisible();
});

test("who presses a second time sees how it stands", async ({ signedIn: page, demo }) => {
  await critical(page, demo);
  const path = new URL(page.url()).pathname;
  const other = await page.context().newPage();
  await other.goto(path);
  await page.getByRole("button", { name: "Acknowledge" }).click();
  await expect(page.getByText("You have acknowledged this item")).toBeVisible();
  await other.getByRole("button", { name: "Acknowledge" }).click();
  await expect(other.locator("main")).toContainText(/Nothing changed|Not done/);
  await expect(other.locator(".has")).toContainText("(you)");
  await other.close();
});

test("what was seen and is corrected by the laboratory is brought to who saw it", async ({ signedIn: page, demo }) => {
  const again = await critical(page, demo);
  const path = new URL(page.url()).pathname;
  await page.goto("/worklist");
  await again("4.4", "C");
  // The worklist hears of it by itself.
  const news = page.locator(".for-you li", { has: page.locator(`a[href="${path}"]`) });
  await expect(news).toBeVisible({ timeout: 30_000 });
  await expectAccessible(page);
  await picture(page, "for-you");
  await news.getByRole("link").click();
  await expect(page.getByText("Changed since you last saw it.")).toBeVisible();
  await page.goto("/worklist");
  await expect(page.locator(`.for-you a[href="${path}"]`)).toHaveCount(0);
});

test("an item opens the chart, and the chart names its open items", async ({ signedIn: page, demo }) => {
  await openItem(page, demo);
  const path = new URL(page.url()).pathname;
  await page.getByRole("link", { name: "Open the whole chart" }).click();
  await expect(page.locator(".banner h1")).toBeVisible();
  await expect(page.locator(`.open-items a[href="${path}"]`)).toBeVisible();
  await expectAccessible(page);
});

test.describe("without a script", () => {
  test.use({ contextOptions: { javaScriptEnabled: false } });

  test("an item can be read and acted on", async ({ signedIn: page, demo }) => {
    await critical(page, demo);
    await page.getByRole("button", { name: "Acknowledge" }).click();
    await expect(page.getByText("You have acknowledged this item")).toBeVisible();
    await page.locator(".choice input").first().check();
    await page.getByRole("button", { name: "Record as done" }).click();
    await expect(page.getByText("Recorded as done.")).toBeVisible();
  });
});
