/** How many datagrams the kernel has dropped on a socket, as /proc/net/udp tells (Linux, proc(5)). */
import { isIPv4 } from 'node:net';

/** Datagrams dropped since a bound socket was opened; undefined where the kernel does not say. `read` gives the text of a file and may throw. */
export function kernelDrops(local: { address: string; port: number }, read: (path: string) => string): number | undefined {
  const isV4 = isIPv4(local.address);
  let table: string;
  try {
    table = read(isV4 ? '/proc/net/udp' : '/proc/net/udp6');
  } catch {
    return undefined; // no such table: not Linux, or not to be seen
  }
  const wanted = `${isV4 ? hexOfV4(local.address) : ''}:${local.port.toString(16).toUpperCase().padStart(4, '0')}`;
  for (const line of table.split('\n').slice(1)) {
    const columns = line.trim().split(/\s+/);
    const [, address = ''] = columns;
    if (isV4 ? address === wanted : address.endsWith(wanted)) return Number(columns.at(-1));
  }
  return undefined;
}

/** `127.0.0.1` → `0100007F`: the bytes as one number of this machine. */
function hexOfV4(address: string): string {
  const bytes = address.split('.').map((part) => Number(part).toString(16).toUpperCase().padStart(2, '0'));
  return bytes.reverse().join('');
}
