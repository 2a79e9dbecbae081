/**
 * Programs out of Debian packages, unpacked into a folder of their own: nothing is installed, no right is needed, and packages that exclude
 * each other can be had side by side. What cannot be had (another system, no network) is a reason to skip.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A program that was unpacked. */
export interface DebianProgram {
  /** Root of the unpacked packages. */
  readonly root: string;
  /** Environment in which its libraries are found. */
  readonly environment: Readonly<Record<string, string>>;
}

/** rsyslog with its OpenSSL driver: `usr/sbin/rsyslogd`. */
export function unpackRsyslog(): DebianProgram | undefined {
  return unpackDebian('rsyslog', ['rsyslog', 'rsyslog-openssl', 'libestr0', 'libfastjson4', 'liblognorm5']);
}

/** syslog-ng: `usr/sbin/syslog-ng`. */
export function unpackSyslogNg(): DebianProgram | undefined {
  return unpackDebian('syslog-ng', ['syslog-ng-core', 'libivykis0', 'libnet1', 'libwrap0', 'libjson-c5', 'libpcre3', 'libdbi1']);
}

/** Clients of mosquitto: `usr/bin/mosquitto_pub` and `mosquitto_sub`. */
export function unpackMosquitto(): DebianProgram | undefined {
  return unpackDebian('mosquitto', ['mosquitto-clients', 'libmosquitto1', 'libcjson1']);
}

/** Unpacks packages, once per machine; undefined where they cannot be had. */
export function unpackDebian(name: string, packages: readonly string[]): DebianProgram | undefined {
  const root = join(tmpdir(), `tocsin-agents-${process.getuid?.() ?? 0}`, name);
  const done = join(root, '.unpacked');
  if (!existsSync(done)) {
    mkdirSync(root, { recursive: true, mode: 0o700 });
    try {
      execFileSync('apt-get', ['download', '-q', ...packages], { cwd: root, stdio: 'ignore', timeout: 60_000 });
      for (const file of readdirSync(root).filter((each) => each.endsWith('.deb'))) execFileSync('dpkg', ['-x', join(root, file), root]);
    } catch {
      return undefined; // not Debian, or no way to its packages
    }
    writeFileSync(done, packages.join(' '));
  }
  return { root, environment: { LD_LIBRARY_PATH: libraryFolders(root).join(':') } };
}

function libraryFolders(root: string): string[] {
  const all = execFileSync('find', [root, '-name', '*.so*', '-printf', '%h\\n'], { encoding: 'utf8' });
  return [...new Set(all.trim().split('\n'))];
}
