/** Monotonic milliseconds that all processes of this machine agree on. */
export function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
