import { as, expect, patientList, test } from "./fixtures";

// The last journey: it ends the session that the others share.
test("after signing out, Back shows nothing", async ({ signedIn: page, demo }) => {
  await as(page, "clinician");
  await patientList(page);
  const name = await page.locator("tbody a.name").first().innerText();
  await page.locator("tbody a.name").first().click();
  await expect(page.locator(".banner h1")).toHaveText(name);
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page).toHaveURL(`${demo.origin}/signin`);
  await page.goBack();
  await expect(page).toHaveURL(`${demo.origin}/signin`);
  await expect(page.locator("body")).not.toContainText(name);
});
