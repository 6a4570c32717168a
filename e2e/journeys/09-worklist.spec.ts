import { as, critical, expect, expectAccessible, expectFits, openItem, picture, test, worklist } from "./fixtures";

test.beforeEach(async ({ signedIn }) => as(signedIn, "clinician"));

test("a critical result stands on the worklist, with who is next and until when", async ({ signedIn: page, demo }) => {
  await worklist(page, demo);
  const first = page.locator(".entry").first();
  await expect(first.locator("h2")).toContainText(/potassium/i);
  await expect(first.locator(".level")).toContainText(/emergency|urgent/i);
  await expect(first.locator(".person strong")).not.toBeEmpty();
  await expect(first.locator(".left")).toContainText(/in \d|now|overdue|no deadline/);
  await expectAccessible(page);
  await picture(page, "worklist");
});

test("the worklist in the dark, on a phone and at 400 % zoom", async ({ signedIn: page, demo }) => {
  await page.emulateMedia({ colorScheme: "dark" });
  await worklist(page, demo);
  await expectAccessible(page);
  await picture(page, "worklist-dark");
  await page.emulateMedia({ colorScheme: "light" });
  for (const [width, name] of [[390, "phone"], [320, "zoomed"]] as const) {
    await page.setViewportSize({ width, height: 800 });
    await worklist(page, demo);
    await expectFits(page);
    await expectAccessible(page);
    await picture(page, `${name}-worklist`);
    await openItem(page, demo);
    await expectFits(page);
    await expectAccessible(page);
    await picture(page, `${name}-item`);
  }
});

test("the tabs are links, and the one that is open says so", async ({ signedIn: page, demo }) => {
  await worklist(page, demo);
  const tabs = page.getByRole("navigation", { name: "Worklist" });
  for (const name of ["Mine", "Unowned", "Closed today", "Team"]) {
    await tabs.getByRole("link", { name: new RegExp(`^${name}`) }).click();
    await expect(tabs.getByRole("link", { name: new RegExp(`^${name}`) })).toHaveAttribute("aria-current", "page");
    await expect(page.locator(".items, .empty").first()).toBeVisible();
    await expectAccessible(page);
  }
});

test("the page title and address of an item never hold a name", async ({ signedIn: page, demo }) => {
  await openItem(page, demo);
  const name = await page.locator(".name-line").innerText();
  const family = name.split(",")[0].toLowerCase();
  expect((await page.title()).toLowerCase()).not.toContain(family);
  expect(page.url().toLowerCase()).not.toContain(family);
});

test("the list reads itself again when an item changes", async ({ signedIn: page, demo }) => {
  // An item changes for sure when somebody acknowledges it, so a second window does.
  await critical(page, demo);
  const path = new URL(page.url()).pathname;
  const other = await page.context().newPage();
  await other.goto(`${demo.origin}/worklist`);
  await expect(other.locator(`a[href="${path}"]`)).toBeVisible();
  const again = other.waitForResponse((answer) => answer.url().includes("/worklist/panel"));
  await page.getByRole("button", { name: "Acknowledge" }).click();
  await expect(page.getByText("You have acknowledged this item")).toBeVisible();
  await other.bringToFront();
  await again;
  await expect(other.locator(".entry", { has: other.locator(`a[href="${path}"]`) })).toContainText("(you)");
  await other.close();
});
