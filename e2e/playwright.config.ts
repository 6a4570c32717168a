// Journeys through the console in a real browser. They start the program themselves (fixtures.ts): BEDSIDE_BIN names it, and
// CHROMIUM names the browser.
import { defineConfig } from "@playwright/test";

export default defineConfig({
  testDir: "./journeys",
  outputDir: "./results",
  // One program for all journeys: they follow one hospital, in order of the file names.
  workers: 1,
  fullyParallel: false,
  timeout: 60_000,
  expect: { timeout: 15_000 },
  reporter: [["list"]],
  use: {
    browserName: "chromium",
    viewport: { width: 1280, height: 900 },
    locale: "en-GB",
    timezoneId: "UTC",
    trace: "retain-on-failure",
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
  },
});
