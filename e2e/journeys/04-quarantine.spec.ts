import { as, asEngineerWithReason, expect, expectAccessible, picture, send, test } from "./fixtures";

test("what can't be read is parked, shown with a reason, replayed and discarded", async ({ signedIn: page, demo }) => {
  await as(page, "engineer");
  await send(demo, "this is <b>no</b> HL7 message");
  await expect(async () => {
    await page.goto("/quarantine");
    await expect(page.locator("tbody tr").first()).toBeVisible({ timeout: 1_000 });
  }).toPass();
  await expectAccessible(page);
  await picture(page, "quarantine");

  // Without a reason the text stays closed.
  const first = page.locator("tbody tr").first();
  await expect(first.locator("[data-label=Reason]")).not.toBeEmpty();
  await expect(first.locator("[data-label=Owner]")).not.toBeEmpty();
  await first.locator("th a").click();
  const address = page.url();
  await expect(page.locator("pre.raw")).toHaveCount(0);
  await expectAccessible(page);
  await page.getByLabel("Why do you need to see patient data").fill("ticket 4711: unreadable message");
  await page.getByRole("button", { name: "Go on with this reason" }).click();
  await expect(page).toHaveURL(address);
  await expect(page.locator("pre.raw")).toBeVisible();
  await expectAccessible(page);
  await picture(page, "quarantine-input");

  // It is as unreadable as before, so it comes back.
  await page.getByRole("button", { name: "Replay" }).click();
  await expect(page.getByText("Sent through again")).toBeVisible();
  await expect(async () => {
    await page.goto(address);
    await expect(page.getByRole("button", { name: "Discard" })).toBeVisible({ timeout: 1_000 });
  }).toPass();

  await page.getByLabel("Why", { exact: true }).fill("sent by mistake during a test");
  await page.getByRole("button", { name: "Discard" }).click();
  await expect(page.getByText("Discarded.")).toBeVisible();
  await page.goto("/quarantine?all=true");
  await expect(page.locator("tbody tr").first()).toBeVisible();
});

test("the links of a person stand side by side", async ({ signedIn: page }) => {
  await asEngineerWithReason(page);
  await page.goto("/patients");
  await page.locator("tbody a.name").first().click();
  await page.goto(`${page.url()}/links`);
  await expect(page.getByRole("heading", { name: "Links of this person" })).toBeVisible();
  await expectAccessible(page);
  await picture(page, "links");
});
