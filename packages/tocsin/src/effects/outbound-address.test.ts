import { describe, expect, it } from 'vitest';
import { checkOutbound } from './outbound-address.ts';

const lookUp = async (host: string): Promise<{ address: string; family: number }[]> => {
  if (host === 'both.example')
    return [
      { address: '203.0.114.9', family: 4 },
      { address: '10.0.0.1', family: 4 },
    ];
  if (host === 'inside.example') return [{ address: '192.168.1.4', family: 4 }];
  if (host === 'nowhere.example') throw new Error('ENOTFOUND');
  return [{ address: '8.8.8.8', family: 4 }];
};
const check = (url: string, allowPrivate = false): ReturnType<typeof checkOutbound> => checkOutbound(url, 'c', { allowPrivate, lookUp });

describe('outbound addresses', () => {
  it.each([
    'http://169.254.169.254/latest/meta-data',
    'http://127.0.0.1/',
    'http://[::ffff:127.0.0.1]/',
    'http://[::ffff:7f00:1]/',
    'http://2130706433/',
    'http://0x7f.1/',
    'http://017700000001/',
    'http://0/',
    'http://[::]/',
    'http://[::1]/',
    'http://[fe80::1]/',
    'http://[64:ff9b::7f00:1]/',
    'http://10.1.2.3:8080/',
    'http://user@8.8.8.8/',
    'http://user:pass@public.example/',
    'http://inside.example/',
    'http://both.example/',
    'file:///etc/passwd',
    'gopher://8.8.8.8/',
    'no url at all',
    'http://224.0.0.1/',
  ])('refuses %s', async (url) => {
    await expect(check(url)).rejects.toMatchObject({ code: 'effect.forbidden_address' });
  });

  it('never tells more of an address that is refused than its scheme and host', async () => {
    await expect(check('http://127.0.0.1/path?token=secret')).rejects.toThrow(/^http:\/\/127\.0\.0\.1 is not connected to/);
  });

  it('gives the one address that is to be connected to', async () => {
    expect(await check('https://public.example/x')).toMatchObject({ address: '8.8.8.8', family: 4 });
    expect(await check('http://8.8.4.4:81/')).toMatchObject({ address: '8.8.4.4' });
    await expect(check('http://nowhere.example/')).rejects.toMatchObject({ code: 'effect.unavailable' });
  });

  it('allows private ones where they are, and metadata never', async () => {
    expect(await check('http://127.0.0.1:9/', true)).toMatchObject({ address: '127.0.0.1' });
    expect(await check('http://inside.example/', true)).toMatchObject({ address: '192.168.1.4' });
    for (const url of ['http://169.254.169.254/', 'http://0.0.0.0/', 'http://[ff02::1]/', 'http://[::ffff:169.254.169.254]/'])
      await expect(check(url, true)).rejects.toMatchObject({ code: 'effect.forbidden_address' });
  });
});
