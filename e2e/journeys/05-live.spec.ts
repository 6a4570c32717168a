import { as, expect, expectAccessible, picture, test } from "./fixtures";

test("the live page refreshes itself and can be paused", async ({ signedIn: page }) => {
  await as(page, "engineer");
  await page.goto("/live");
  await expect(page.getByRole("heading", { name: "Sources" })).toBeVisible();
  await page.waitForResponse((answer) => answer.url().includes("/live/panel"));
  await expect(page.locator("#stalled")).toBeHidden();
  await expectAccessible(page);
  await picture(page, "live");
  await page.getByRole("link", { name: "Pause" }).click();
  await expect(page.getByText("Not refreshing.")).toBeVisible();
  await expectAccessible(page);
});

test("a live page that lost its server says so", async ({ signedIn: page }) => {
  await as(page, "engineer");
  await page.goto("/live");
  await page.route("**/live/panel*", (route) => route.abort());
  await expect(page.getByText("This page could not refresh itself.")).toBeVisible();
  await page.unroute("**/live/panel*");
  await expect(page.getByText("This page could not refresh itself.")).toBeHidden();
});

test("compliance searches the log and proves it", async ({ signedIn: page }) => {
  await as(page, "compliance");
  // Compliance reads the log, not the charts; and the attempt is what the log shows next.
  await page.goto("/patients");
  await expect(page.getByRole("heading", { name: "Not allowed" })).toBeVisible();
  await page.goto("/audit");
  await page.getByLabel("Outcome").selectOption("denied");
  await page.getByRole("button", { name: "Search" }).click();
  await expect(page.locator("tbody tr").first()).toContainText("refused");
  await expectAccessible(page);
  await picture(page, "audit");
  await page.getByRole("button", { name: "Verify the log" }).click();
  await expect(page.getByRole("heading", { name: "The log is intact" })).toBeVisible();
  await expectAccessible(page);
  await picture(page, "audit-verified");
});
