/**
 * A file system of its own that can lose power: ext4 in an image on a loop device. Cutting it throws away everything that was not fsynced, as a power cut
 * throws the page cache away; mounted again it recovers from its journal. Needs root, a loop device, mkfs.ext4 and python3 (for the ioctl).
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitFor } from './wait-for.ts';

/** A mounted volume. Disposing unmounts and removes it. */
export interface Volume extends AsyncDisposable {
  /** Where it is mounted. */
  readonly path: string;
  /** What was written so far is on the disk: what a person sets up has long been there when power fails. */
  sync(): void;
  /** From now on nothing reaches the disk, and what was not fsynced never will. Every write and fsync fails until `restorePower`. */
  cutPower(): void;
  /** Unmounts, which waits for the last process on it to end, and mounts what survived. */
  restorePower(): Promise<void>;
}

/** FS_IOC_SHUTDOWN of linux/fs.h with EXT4_GOING_FLAGS_NOLOGFLUSH: without flushing the journal. */
const CUT = "import os, fcntl, struct, sys; fcntl.ioctl(os.open(sys.argv[1], 0), 0x8004587D, struct.pack('I', 2))";
const SIZE_MIB = 2048;
/** Tools of a file system are often not on the path of a person's shell. */
const env = { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin` };

/** Makes and mounts one; the reason as a text where the machine does not allow it. */
export function openVolume(): Volume | string {
  const folder = mkdtempSync(join(tmpdir(), 'tocsin-volume-'));
  const image = join(folder, 'image');
  const path = join(folder, 'mounted');
  mkdirSync(path);
  const mount = ['mount', '-o', 'loop', image, path];
  for (const command of [['truncate', '-s', `${SIZE_MIB}M`, image], ['mkfs.ext4', '-q', '-F', image], mount, ['python3', '--version']]) {
    const why = run(command);
    if (why === undefined) continue;
    run(['umount', path]);
    rmSync(folder, { recursive: true, force: true });
    return `no volume that can lose power: ${why}`;
  }
  const unmount = async (): Promise<void> => {
    await waitFor(() => (run(['umount', path]) === undefined ? true : undefined), { what: () => `umount ${path}`, withinMs: 20_000 });
  };
  return {
    path,
    sync: () => must(['sync', '-f', path]),
    cutPower: () => must(['python3', '-c', CUT, path]),
    async restorePower() {
      await unmount();
      must(mount);
    },
    async [Symbol.asyncDispose]() {
      await unmount();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Undefined when it went well, else why not. */
function run([command = '', ...args]: readonly string[]): string | undefined {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8', env });
  return status === 0 ? undefined : `${command}: ${error?.message ?? stderr.trim()}`;
}

function must(command: readonly string[]): void {
  const why = run(command);
  if (why !== undefined) throw new Error(why);
}
