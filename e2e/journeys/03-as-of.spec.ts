import { as, chart, expect, expectAccessible, picture, test } from "./fixtures";

test.beforeEach(async ({ signedIn }) => as(signedIn, "clinician"));

test("the slider shows the chart as it was known, and says that this is not the present", async ({ signedIn: page }) => {
  await chart(page);
  const slider = page.getByRole("slider");
  await slider.focus();
  await page.keyboard.press("Home");
  const mark = page.locator(".past");
  await expect(mark).toContainText("As of");
  await expect(mark).toContainText("not the present");
  await expect(slider).toHaveAttribute("aria-valuetext", /\d\d-\w{3}-\d{4}/);
  await expectAccessible(page);
  await picture(page, "as-of");
  await slider.focus();
  await page.keyboard.press("End");
  await expect(mark).toHaveCount(0);
});

test("earlier, later and now are links", async ({ signedIn: page }) => {
  await chart(page);
  await page.getByRole("link", { name: /^Earlier/ }).click();
  await expect(page.locator(".past")).toBeVisible();
  await page.getByRole("link", { name: "Back to now" }).click();
  await expect(page.locator(".past")).toHaveCount(0);
});

test("before anything was known, nothing is claimed", async ({ signedIn: page }) => {
  await chart(page);
  const address = page.url();
  const answer = await page.goto(`${address}?at=2001-01-01T09:00`);
  // Either nobody knew this person then, or the page says that nothing was known; never a value.
  if (answer?.status() === 200) {
    await expect(page.locator(".past")).toContainText("not the present");
    await expect(page.locator("#labs .value strong")).toHaveCount(0);
    await expect(page.locator("#allergies > header .chip")).toContainText("not known");
  } else {
    expect(answer?.status()).toBe(404);
  }
  await expectAccessible(page);
});
