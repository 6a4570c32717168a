// What every journey stands on: one running demo, one signed-in session, and a few words for what a person does.
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, mkdirSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import AxeBuilder from "@axe-core/playwright";
import { test as base, expect, type BrowserContext, type Page } from "@playwright/test";

const root = resolve(import.meta.dirname, "../..");
const program = process.env.BEDSIDE_BIN ?? join(root, "target/debug/bedside");
const shots = resolve(import.meta.dirname, "../screenshots");
mkdirSync(shots, { recursive: true });

export interface Demo {
  /** Where the console answers. */
  origin: string;
  /** The one-time link, until somebody uses it. */
  link: string;
}

export type Role = "clinician" | "engineer" | "compliance";

interface Worker {
  demo: Demo;
  session: Awaited<ReturnType<BrowserContext["storageState"]>>;
}

interface Journey {
  /** A page of somebody who is signed in. */
  signedIn: Page;
}

/** Starts `bedside demo` in a folder of its own and waits for its one-time link. */
async function start(folder: string): Promise<{ child: ChildProcess; demo: Demo }> {
  const child = spawn(program, ["--data", join(folder, "data"), "demo", "--http", "127.0.0.1:0", "--mllp", "127.0.0.1:0"], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const heard: string[] = [];
  const link = await new Promise<string>((found, failed) => {
    const listen = (line: string): void => {
      heard.push(line);
      const match = /Sign in: (\S+\/signin\/link\/\S+)/.exec(line);
      if (match) found(match[1]);
    };
    createInterface({ input: child.stdout! }).on("line", listen);
    createInterface({ input: child.stderr! }).on("line", listen);
    child.once("error", failed);
    child.once("exit", (code) => failed(new Error(`the demo ended with ${code}:\n${heard.join("\n")}`)));
  });
  return { child, demo: { origin: new URL(link).origin, link } };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const ended = new Promise((done) => child.once("exit", done));
  child.kill("SIGTERM");
  await ended;
}

export const test = base.extend<Journey, Worker>({
  demo: [
    async ({}, use) => {
      const folder = mkdtempSync(join(tmpdir(), "bedside-e2e-"));
      const { child, demo } = await start(folder);
      await use(demo);
      await stop(child);
      rmSync(folder, { recursive: true, force: true });
    },
    { scope: "worker", timeout: 240_000 },
  ],

  // The link works once, so the session that it gives is shared by the journeys; each opens a browser context of its own with it.
  session: [
    async ({ browser, demo }, use) => {
      // The first journey of a worker may be the one without scripts; the accessibility check needs them.
      const context = await browser.newContext({ javaScriptEnabled: true });
      const page = await context.newPage();
      await page.goto(demo.link);
      await expectAccessible(page);
      await page.screenshot({ path: join(shots, "sign-in-link.png"), fullPage: true });
      await page.getByRole("button", { name: "Sign in" }).click();
      await expect(page.getByRole("button", { name: "Sign out" })).toBeVisible();
      const state = await context.storageState();
      await context.close();
      await use(state);
    },
    { scope: "worker", timeout: 240_000 },
  ],

  baseURL: async ({ demo }, use) => use(demo.origin),

  signedIn: async ({ browser, demo, session, contextOptions, viewport }, use) => {
    const context = await browser.newContext({ ...contextOptions, viewport, baseURL: demo.origin, storageState: session });
    const page = await context.newPage();
    // The policy of the pages is strict: a script or style that it blocks is a mistake of ours.
    const blocked: string[] = [];
    page.on("console", (message) => {
      if (message.type() === "error" && message.text().includes("Content Security Policy")) blocked.push(message.text());
    });
    page.on("pageerror", (error) => blocked.push(String(error)));
    await use(page);
    expect(blocked).toEqual([]);
    await context.close();
  },
});

export { expect };

/** Plays one of the account's roles. */
export async function as(page: Page, role: Role): Promise<void> {
  await page.goto("/reason");
  const choice = page.getByLabel("Role", { exact: true });
  if ((await choice.inputValue()) !== role) {
    await choice.selectOption(role);
    await page.getByRole("button", { name: "Switch" }).click();
  }
  await expect(page.getByLabel("Role", { exact: true })).toHaveValue(role);
}

/** As an integration engineer with a reason. */
export async function asEngineerWithReason(page: Page): Promise<void> {
  await as(page, "engineer");
  await page.goto("/reason");
  await page.getByLabel("Why do you need to see patient data").fill("ticket 4711: feed test");
  await page.getByRole("button", { name: "Go on with this reason" }).click();
}

/** Waits until the ward has sent patients, and opens the list. */
export async function patientList(page: Page): Promise<void> {
  await expect(async () => {
    await page.goto("/patients");
    await expect(page.locator("tbody a.name").first()).toBeVisible({ timeout: 1_000 });
  }).toPass({ timeout: 45_000 });
}

/** Opens the first chart that has a laboratory result or a vital sign with a value. */
export async function chart(page: Page): Promise<void> {
  await expect(async () => {
    await patientList(page);
    const count = Math.min(await page.locator("tbody a.name").count(), 8);
    for (let n = 0; n < count; n += 1) {
      await page.goto("/patients");
      await page.locator("tbody a.name").nth(n).click();
      if ((await page.locator("#labs .value strong, #vitals .value strong").count()) > 0) return;
    }
    throw new Error("no chart has a value yet");
  }).toPass({ timeout: 50_000 });
}

/** Waits until a workflow has opened an item, and opens the worklist. */
export async function worklist(page: Page): Promise<void> {
  await expect(async () => {
    await page.goto("/worklist");
    await expect(page.locator(".entry").first()).toBeVisible({ timeout: 1_000 });
  }).toPass({ timeout: 45_000 });
}

/** Opens an item of the worklist: any, or one that nobody has acknowledged. The region's own clinicians answer too, so that may take a while. */
export async function openItem(page: Page, which: "any" | "open" = "any"): Promise<void> {
  const entries = which === "open" ? page.locator(".entry", { hasText: "Nobody has taken it on" }) : page.locator(".entry");
  await expect(async () => {
    await page.goto("/worklist");
    await expect(entries.first()).toBeVisible({ timeout: 1_000 });
    await entries.first().locator("h2 a").click();
    await expect(page.locator(".headline h1")).toBeVisible({ timeout: 2_000 });
    if (which === "open") await expect(page.getByRole("button", { name: "Acknowledge" })).toBeVisible({ timeout: 1_000 });
  }).toPass({ timeout: 90_000 });
}

/** Sends bytes as one MLLP frame to the first listener of the live page, and waits for the answer. */
export async function send(page: Page, message: string): Promise<string> {
  await page.goto("/live");
  const address = await page.locator("[data-label=Address] code").first().innerText();
  const [host, port] = [address.slice(0, address.lastIndexOf(":")), Number(address.slice(address.lastIndexOf(":") + 1))];
  return await new Promise((answered, failed) => {
    const socket = connect(port, host, () => socket.write(`\x0b${message}\x1c\r`));
    let answer = "";
    socket.on("data", (bytes) => {
      answer += bytes.toString("latin1");
      if (answer.includes("\x1c")) {
        socket.end();
        answered(answer);
      }
    });
    socket.once("error", failed);
    socket.once("close", () => answered(answer));
  });
}

/** Nothing on this page breaks WCAG 2.2 AA as far as a program can tell. */
export async function expectAccessible(page: Page): Promise<void> {
  const result = await new AxeBuilder({ page })
    .withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"])
    .analyze();
  expect(result.violations.map((found) => `${found.id}: ${found.nodes.map((node) => node.html).join(" | ")}`)).toEqual([]);
}

/** Keeps a picture for people to look at. */
export async function picture(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: join(shots, `${name}.png`), fullPage: true });
}

/** The page is no wider than the window. */
export async function expectFits(page: Page): Promise<void> {
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect(over).toBeLessThanOrEqual(0);
}
