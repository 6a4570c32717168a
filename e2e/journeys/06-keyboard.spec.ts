import { as, expect, patientList, test } from "./fixtures";

test("a patient is found and read with the keyboard alone", async ({ signedIn: page }) => {
  await as(page, "clinician");
  await patientList(page);
  const name = await page.locator("tbody a.name").first().innerText();

  await page.keyboard.press("Tab");
  const skip = page.getByRole("link", { name: "Skip to the content" });
  await expect(skip).toBeFocused();
  await expect(skip).toBeInViewport();
  await page.keyboard.press("Enter");
  await expect(page.locator("main")).toBeFocused();

  await page.keyboard.press("Tab");
  await expect(page.getByLabel("Find a patient")).toBeFocused();
  await page.keyboard.type(name.split(",")[0]);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "Patients found" })).toBeVisible();

  const link = page.getByRole("link", { name, exact: true }).first();
  for (let n = 0; n < 40 && !(await link.evaluate((node) => node === document.activeElement)); n += 1) {
    await page.keyboard.press("Tab");
  }
  await expect(link).toBeFocused();
  const outline = await link.evaluate((node) => getComputedStyle(node).outlineStyle);
  expect(outline).not.toBe("none");
  await page.keyboard.press("Enter");
  await expect(page.locator(".banner h1")).toHaveText(name);
});

test("everything that can be pressed is large enough", async ({ signedIn: page }) => {
  await as(page, "clinician");
  await patientList(page);
  await page.locator("tbody a.name").first().click();
  for (const control of await page.locator("button:visible, select:visible, input:visible, nav a:visible, summary:visible").all()) {
    const box = await control.boundingBox();
    // WCAG 2.2, success criterion 2.5.8: 24 by 24 CSS pixels.
    expect(box!.height, await control.evaluate((node) => node.outerHTML)).toBeGreaterThanOrEqual(24);
    expect(box!.width).toBeGreaterThanOrEqual(24);
  }
});
