/** Certificates for tests, made by openssl into a folder: an authority and whatever it signs. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Paths of a certificate and its key. */
export interface CertificatePaths {
  readonly cert: string;
  readonly key: string;
}

/** What a certificate says. */
export interface CertificateWish {
  readonly name: string;
  /** Subject, such as `/CN=web1`. */
  readonly subject: string;
  /** Names it is for, such as `DNS:web1,IP:127.0.0.1`. */
  readonly names?: string | undefined;
  /** Days from now until it expires; negative for one that has expired. Default 2. */
  readonly days?: number | undefined;
}

/** Whether openssl is there. */
export function hasOpenssl(): boolean {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false; // not installed
  }
}

/** An authority in a folder. */
export class TestAuthority {
  readonly #folder: string;
  readonly #own: CertificatePaths;

  constructor(folder: string, name = 'authority') {
    this.#folder = folder;
    this.#own = this.#paths(name);
    const { cert, key } = this.#own;
    openssl('req', '-x509', ...KEY, '-keyout', key, '-out', cert, '-days', '2', '-subj', `/CN=${name}`);
  }

  /** Path of its own certificate. */
  get cert(): string {
    return this.#own.cert;
  }

  /** A certificate that it signs. */
  sign({ name, subject, names, days = 2 }: CertificateWish): CertificatePaths {
    const { cert, key } = this.#paths(name);
    const request = join(this.#folder, `${name}.csr`);
    const extensions = join(this.#folder, `${name}.ext`);
    writeFileSync(extensions, names === undefined ? 'basicConstraints=CA:FALSE\n' : `basicConstraints=CA:FALSE\nsubjectAltName=${names}\n`);
    openssl('req', ...KEY, '-keyout', key, '-out', request, '-subj', subject);
    const signing = ['-CA', this.#own.cert, '-CAkey', this.#own.key, '-CAcreateserial', '-extfile', extensions];
    openssl('x509', '-req', '-in', request, '-out', cert, ...signing, '-days', String(days));
    return { cert, key };
  }

  #paths(name: string): CertificatePaths {
    return { cert: join(this.#folder, `${name}.crt`), key: join(this.#folder, `${name}.key`) };
  }
}

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}
