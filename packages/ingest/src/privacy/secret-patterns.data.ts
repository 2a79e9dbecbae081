/**
 * Looks of secrets. Every pattern begins at a boundary or with fixed text and has bounded repeats, so that a search takes time linear in
 * its text. Forms of keys: the documentation of each service; JWT: RFC 7519; command lines: manuals of the programs named.
 */

/** One look. What is masked is group 1, else the whole match; `after` characters of the match come after the group. */
export interface SecretPattern {
  readonly kind: string;
  readonly look: RegExp;
  readonly after?: number;
}

const VALUE = '(?:[^\\s"\'&;,<>\\\\|]|\\\\(?!["\'])){3,256}';
const QUOTED = '"([^"\\n]{3,256})"';
const NAMES =
  'passwords?|passwd|passphrase|client[_-]?secret|secret[_-]?(?:access[_-]?)?key|secret|api[_-]?key|access[_-]?key|(?:access|auth|refresh|session|id|bearer)[_-]?token|private[_-]?key|accountkey|sharedaccesskey|connectionpassword';

/** In the order in which they are looked for. */
export const secretPatterns: readonly SecretPattern[] = [
  { kind: 'aws_access_key', look: /(?<![A-Za-z0-9])(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}(?![A-Za-z0-9])/g },
  { kind: 'gcp_api_key', look: /(?<![\w-])AIza[\w-]{35}(?![\w-])/g },
  { kind: 'google_oauth', look: /(?<![\w-])(?:ya29\.[\w-]{20,400}|GOCSPX-[\w-]{20,60})/g },
  { kind: 'github_token', look: /(?<!\w)(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_\w{22,255})/g },
  { kind: 'gitlab_token', look: /(?<![\w-])gl(?:pat|dt|rt|ptt|ft)-[\w-]{20,64}/g },
  { kind: 'slack_token', look: /(?<![\w-])xox[abeoprs]-[A-Za-z0-9-]{10,255}/g },
  { kind: 'slack_webhook', look: /hooks\.slack\.com\/services\/([A-Za-z0-9/_-]{20,100})/g },
  { kind: 'stripe_key', look: /(?<!\w)[rs]k_(?:live|test)_[A-Za-z0-9]{16,255}/g },
  { kind: 'npm_token', look: /(?<!\w)npm_[A-Za-z0-9]{36}(?!\w)/g },
  { kind: 'pypi_token', look: /(?<![\w-])pypi-[\w-]{40,255}/g },
  { kind: 'sendgrid_key', look: /(?<![\w-])SG\.[\w-]{16,64}\.[\w-]{16,64}/g },
  { kind: 'ai_key', look: /(?<![\w-])sk-(?:proj-|ant-)?[\w-]{20,255}/g },
  { kind: 'digitalocean_token', look: /(?<!\w)do[opr]_v1_[a-f0-9]{64}/g },
  { kind: 'vault_token', look: /(?<![\w.-])hv[bsr]\.[\w-]{20,255}/g },
  { kind: 'tocsin_token', look: /(?<!\w)tocsin_(?:source|person)_[\w-]{43}/g },
  { kind: 'jwt', look: /(?<![\w-])eyJ[\w-]{8,4000}\.eyJ[\w-]{8,8000}\.[\w-]{8,2000}/g },
  { kind: 'authorization', look: /(?<![A-Za-z])(?:bearer|basic) {1,3}([A-Za-z0-9+/._~=-]{16,4000})/gi },
  { kind: 'password', look: /:\/\/[^\s:@/"'<>]{1,100}:([^\s@/"'<>]{1,200})@/g, after: 1 },
  { kind: 'password', look: new RegExp(`(?<![A-Za-z0-9])[-/]{1,2}(?:${NAMES}|pass|pwd|pw)(?:[=:]|\\s{1,3})["']?(${VALUE})`, 'gi') },
  { kind: 'password', look: new RegExp(`(?<![A-Za-z0-9])[-/]{1,2}(?:${NAMES}|pass|pwd|pw)(?:[=:]|\\s{1,3})${QUOTED}`, 'gi'), after: 1 },
  { kind: 'password', look: new RegExp(`(?:${NAMES})["']?\\s{0,2}[=:]\\s{0,2}${QUOTED}`, 'gi'), after: 1 },
  { kind: 'password', look: new RegExp(`(?:${NAMES})["']?\\s{0,2}[=:]\\s{0,2}["']?(${VALUE})`, 'gi') },
  { kind: 'password', look: /(?<![A-Za-z0-9])(?:pwd|pass)=["']?([^\s"'&;,<>\\|/~*][^\s"'&;,<>\\|:]{2,200})/gi },
  { kind: 'password', look: /(?<!\w)sshpass(?:\.exe)? {1,3}-p {0,3}["']?([^\s"']{2,200})/g },
  { kind: 'password', look: /(?<!\w)curl(?:\.exe)?[^\n]{0,200}? (?:-u|--user) {0,3}["']?[^\s:"']{1,100}:([^\s"']{2,200})/g },
  { kind: 'password', look: /(?<!\w)mysql(?:dump|admin)?(?:\.exe)?[^\n]{0,200}? -p([^\s"'-][^\s"']{2,200})/g },
  { kind: 'password', look: /(?<!\w)net1?(?:\.exe)?["']? {1,3}user {1,3}[^\s/]{1,64} {1,3}([^\s/"'*][^\s"']{1,128})/gi },
  { kind: 'password', look: /ConvertTo-SecureString {1,3}(?:-String {1,3})?["']([^"']{2,200})["']/gi, after: 1 },
];

/** Names of fields whose whole value is a secret: without regard to case, `-` and `_`. */
export const secretNames: ReadonlySet<string> = new Set([
  'password',
  'passwd',
  'passphrase',
  'clientsecret',
  'secret',
  'secretkey',
  'secretaccesskey',
  'apikey',
  'privatekey',
  'accesstoken',
  'refreshtoken',
  'idtoken',
  'sessiontoken',
  'authtoken',
  'authorization',
  'xapikey',
]);
