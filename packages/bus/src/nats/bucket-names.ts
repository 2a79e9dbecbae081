/** Names of the stream and subjects behind a state bucket: those of NATS key-value buckets (ADR-8), so that its tools can look inside. */

/** Stream of a bucket. */
export function bucketStream(bucket: string): string {
  return `KV_${bucket}`;
}

/** Subject before a bucket's keys. */
export function bucketSubject(bucket: string): string {
  return `$KV.${bucket}`;
}
