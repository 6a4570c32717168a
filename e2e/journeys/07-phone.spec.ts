import { as, chart, expect, expectAccessible, expectFits, patientList, picture, test } from "./fixtures";

test.use({ viewport: { width: 390, height: 844 } });

test("a phone shows the same, one card below the other", async ({ signedIn: page }) => {
  await as(page, "clinician");
  await patientList(page);
  await expectFits(page);
  await expectAccessible(page);
  await picture(page, "phone-patients");
  await chart(page);
  await expectFits(page);
  await expect(page.locator(".warning")).toBeVisible();
  await expectAccessible(page);
  await picture(page, "phone-chart");
  await as(page, "engineer");
  for (const path of ["/live", "/quarantine"]) {
    await page.goto(path);
    await expectFits(page);
    await expectAccessible(page);
    await picture(page, `phone${path.replace("/", "-")}`);
  }
  await as(page, "compliance");
  await page.goto("/audit");
  await expectFits(page);
  await expectAccessible(page);
  await picture(page, "phone-audit");
});

test("at 400 % zoom nothing runs out of the window", async ({ signedIn: page }) => {
  // 1280 CSS pixels at 400 % are 320 (WCAG 2.2, success criterion 1.4.10).
  await page.setViewportSize({ width: 320, height: 640 });
  await as(page, "clinician");
  await chart(page);
  await expectFits(page);
  await picture(page, "zoomed-chart");
  await as(page, "compliance");
  await page.goto("/audit");
  await expectFits(page);
});
