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
if (process.env.PICTURES) mkdirSync(shots, { recursive: true });

export interface Demo {
  /** Where the console answers. */
  origin: string;
  /** The one-time link, until somebody uses it. */
  link: string;
  /** Where the ward's messages arrive. */
  mllp: string;
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

/** Patients at each EHR: enough for every journey to have one of its own, and a day of them is played in seconds. */
const PATIENTS = "8";

/** Starts `bedside demo` in a folder of its own and waits until it says where it is. */
async function start(folder: string): Promise<{ child: ChildProcess; demo: Demo }> {
  const child = spawn(program, ["--data", join(folder, "data"), "--json", "demo", "--patients", PATIENTS, "--http", "127.0.0.1:0", "--mllp", "127.0.0.1:0"], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const heard: string[] = [];
  const ready = await new Promise<{ sign_in: string; mllp: string }>((found, failed) => {
    const listen = (line: string): void => {
      heard.push(line);
      if (line.startsWith("{") && line.includes("sign_in")) found(JSON.parse(line));
    };
    createInterface({ input: child.stdout! }).on("line", listen);
    createInterface({ input: child.stderr! }).on("line", listen);
    child.once("error", failed);
    child.once("exit", (code) => failed(new Error(`the demo ended with ${code}:\n${heard.join("\n")}`)));
  });
  return { child, demo: { origin: new URL(ready.sign_in).origin, link: ready.sign_in, mllp: ready.mllp } };
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
      await picture(page, "sign-in-link");
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

/** Opens a worklist that has an item, as a clinician. When the region has none just now, the laboratory reports one. */
export async function worklist(page: Page, demo: Demo): Promise<void> {
  await page.goto("/worklist");
  if ((await page.locator(".entry").count()) === 0) await critical(page, demo);
  await page.goto("/worklist");
  await expect(page.locator(".entry").first()).toBeVisible();
}

/** Counts the reports of these journeys: each has its own control id and its own value. */
let reports = 0;

/**
 * Lets the ward's laboratory report a critical potassium of somebody who has no open item, and opens the item that comes of it.
 * With `written` it is somebody of whom a note can be written: the EHR knows the patient too, and nobody doubts who it is.
 * Yields a way to report the same specimen again: with another value, and corrected (`C`) or withdrawn (`W`).
 */
export async function critical(page: Page, demo: Demo, written = false): Promise<(value: string, status: string) => Promise<void>> {
  reports += 1;
  const value = (7 + reports / 10).toFixed(1);
  const number = `${process.pid}-${reports}`;
  const chart = await somebody(page, written);
  const record = await page.locator(".identity dl > div", { hasText: "MRN RIVERSIDE" }).locator("dd").first().innerText();
  const taken = (await page.locator(".present time").getAttribute("datetime"))!.replace(/\D/g, "").slice(0, 14) + "+0000";
  const report = async (control: string, value: string, status: string): Promise<void> => {
    const segments = [
      `MSH|^~\\&|LAB|RIVERSIDE GENERAL|BEDSIDE|RIVERSIDE GENERAL|${taken}||ORU^R01^ORU_R01|${control}|P|2.5.1`,
      `PID|1||${record}^^^RIVERSIDE^MR`,
      `OBR|1||${number}^LAB|2823-3^Potassium^LN|||${taken}|||||||||||||||${taken}||CH|${status}`,
      `OBX|1|NM|2823-3^Potassium^LN||${value}|mmol/L^^UCUM|3.5-5.1||||${status}|||${taken}|||||${taken}`,
    ];
    expect(await send(demo, segments.join("\r") + "\r")).toContain("MSA|AA");
  };
  await report(`JOURNEY${number}`, value, "F");
  const item = page.locator(".open-items a", { hasText: `Potassium ${value}` });
  await expect(async () => {
    await page.goto(chart);
    await expect(item).toBeVisible({ timeout: 500 });
  }).toPass({ timeout: 30_000 });
  await item.click();
  await expect(page.getByRole("button", { name: "Acknowledge" })).toBeVisible();
  return (value, status) => report(`AGAIN${number}`, value, status);
}

/** The chart of a patient of the ward whom nobody worries about yet. */
async function somebody(page: Page, written: boolean): Promise<string> {
  await patientList(page);
  const charts = await page.locator("tbody a.name").evaluateAll((links) => links.map((link) => link.getAttribute("href")!));
  for (const chart of charts) {
    await page.goto(chart);
    const [busy, known, doubts, records] = await Promise.all([
      page.locator(".open-items, .banner .died").count(),
      page.locator(".identity dl > div", { hasText: "MRN RIVERSIDE" }).count(),
      // What stands in a message that is held back is not written before it is released.
      page.locator(".caveats .conflict, .caveats li").filter({ hasText: /possibly the same|held|parked|wait/ }).count(),
      page.locator("#sources tbody th", { hasText: /^epic$/ }).count(),
    ]);
    if (busy === 0 && known === 1 && (!written || (doubts === 0 && records === 1))) return chart;
  }
  throw new Error("every patient of the ward has an open item already");
}

/** Opens the first item of the worklist. */
export async function openItem(page: Page, demo: Demo): Promise<void> {
  await worklist(page, demo);
  await page.locator(".entry h2 a").first().click();
  await expect(page.locator(".headline h1")).toBeVisible();
}

/** Sends bytes as one MLLP frame to the ward's listener, and waits for the answer. */
export async function send(demo: Demo, message: string): Promise<string> {
  const at = demo.mllp.lastIndexOf(":");
  const [host, port] = [demo.mllp.slice(0, at), Number(demo.mllp.slice(at + 1))];
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
    // What passed is not written up: on a long chart that takes longer than the check.
    .options({ resultTypes: ["violations"] })
    .withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"])
    .analyze();
  expect(result.violations.map((found) => `${found.id}: ${found.nodes.map((node) => node.html).join(" | ")}`)).toEqual([]);
}

/** Keeps a picture for people to look at, when `PICTURES` is set: a long page takes a second or two. */
export async function picture(page: Page, name: string): Promise<void> {
  if (!process.env.PICTURES) return;
  await page.screenshot({ path: join(shots, `${name}.png`), fullPage: true });
}

/** The page is no wider than the window. */
export async function expectFits(page: Page): Promise<void> {
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect(over).toBeLessThanOrEqual(0);
}
