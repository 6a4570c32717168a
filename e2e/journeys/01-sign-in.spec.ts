import { as, expect, expectAccessible, patientList, picture, test } from "./fixtures";

test("nothing can be read before somebody signs in", async ({ page, demo }) => {
  for (const path of ["/", "/patients", "/patient/x", "/live", "/quarantine", "/audit", "/metrics", "/nowhere"]) {
    await page.goto(demo.origin + path);
    await expect(page).toHaveURL(demo.origin + "/signin");
  }
  await expectAccessible(page);
  await picture(page, "sign-in");
});

test("a wrong password says no more than that", async ({ page, demo }) => {
  await page.goto(`${demo.origin}/signin`);
  await page.getByLabel("Account").fill("nobody");
  await page.getByLabel("Password").fill("wrong");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert").filter({ hasText: "do not match" })).toBeVisible();
  await expectAccessible(page);
});

test("a one-time link works once", async ({ signedIn, demo, browser }) => {
  await patientList(signedIn);
  const stranger = await browser.newPage();
  await stranger.goto(demo.link);
  await stranger.getByRole("button", { name: "Sign in" }).click();
  await expect(stranger.getByRole("heading", { name: "This link can't be used" })).toBeVisible();
  await stranger.close();
});

test("an engineer without a reason sees no patient, and is asked for one", async ({ signedIn: page }) => {
  await as(page, "clinician");
  await patientList(page);
  const name = await page.locator("tbody a.name").first().innerText();
  // A role change ends the reason that an earlier journey gave, so this starts without one.
  await as(page, "engineer");
  await page.goto("/patients");
  await expect(page.getByRole("heading", { name: "Not allowed" })).toBeVisible();
  await expect(page.locator("main")).not.toContainText(name);
  await expectAccessible(page);
  await picture(page, "reason-needed");
  await page.getByLabel("Why do you need to see patient data").fill("ticket 4711: names look cut off");
  await page.getByRole("button", { name: "Go on with this reason" }).click();
  await expect(page.locator("tbody a.name").first()).toBeVisible();
  await expect(page.getByRole("link", { name: /^Reason: ticket 4711/ })).toBeVisible();
});

test("the page title and address never hold a name", async ({ signedIn: page }) => {
  await as(page, "clinician");
  await patientList(page);
  const name = await page.locator("tbody a.name").first().innerText();
  const family = name.split(",")[0].toLowerCase();
  await page.locator("tbody a.name").first().click();
  await expect(page.locator(".banner h1")).toHaveText(name);
  expect((await page.title()).toLowerCase()).not.toContain(family);
  expect(page.url().toLowerCase()).not.toContain(family);
  // htmx keeps the address of the page, which holds a public id and nothing else; the chart itself must not be kept.
  const kept = await page.evaluate(() => JSON.stringify([Object.entries(localStorage), Object.entries(sessionStorage)]));
  expect(kept.toLowerCase()).not.toContain(family);
  expect(kept).not.toContain("<");
});

test("half an hour without a touch clears the screen", async ({ signedIn: page, demo }) => {
  await as(page, "clinician");
  await patientList(page);
  await page.clock.install();
  await page.locator("tbody a.name").first().click();
  await expect(page.locator(".banner h1")).toBeVisible();
  await page.clock.fastForward("29:00");
  await page.keyboard.press("Shift");
  await page.clock.fastForward("29:00");
  await expect(page.locator(".banner h1")).toBeVisible();
  await page.clock.fastForward("02:00");
  await expect(page).toHaveURL(`${demo.origin}/signin`);
});
