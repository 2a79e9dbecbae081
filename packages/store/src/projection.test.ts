import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Position } from '@tocsin/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openProjection, type ProjectionSchema } from './projection.ts';

const SCHEMA: ProjectionSchema = { version: 3, sql: 'CREATE TABLE things (name TEXT NOT NULL);' };
const at = (text: string): Position => text as Position;

let folder = '';
let path = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tocsin-projection-'));
  path = join(folder, 'p.sqlite');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('a projection', () => {
  it('records the position with the data, or neither', () => {
    using projection = openProjection({ path }, SCHEMA);
    const { db } = projection;
    projection.apply('S', at('1'), () => db.exec("INSERT INTO things VALUES ('a')"));
    const broken = (): void => {
      db.exec("INSERT INTO things VALUES ('b')");
      throw new Error('broken');
    };
    expect(() => projection.apply('S', at('2'), broken)).toThrow('broken');
    expect(projection.applied('S')).toBe('1');
    expect(db.prepare('SELECT name FROM things').all()).toEqual([{ name: 'a' }]);
  });

  it('tells the cause where SQLite has rolled back by itself', () => {
    using projection = openProjection({ path }, SCHEMA);
    const full = (): void => {
      projection.db.exec('ROLLBACK');
      throw new Error('the disk is full');
    };
    expect(() => projection.apply('S', at('1'), full)).toThrow('the disk is full');
  });

  it('begins anew from a file of another version, from a damaged file and from one that is no database', () => {
    for (const spoil of [setVersion, tearPages, writeText]) {
      openProjection({ path }, SCHEMA)[Symbol.dispose]();
      spoil();
      using projection = openProjection({ path }, SCHEMA);
      expect(projection.applied('S')).toBeUndefined();
      projection.apply('S', at('1'), () => projection.db.exec("INSERT INTO things VALUES ('a')"));
      expect(projection.applied('S')).toBe('1');
    }
  });

  it('begins anew where the positions are damaged', () => {
    const made = openProjection({ path }, SCHEMA);
    made.apply('S', at('1'), () => undefined);
    made[Symbol.dispose]();
    writeFileSync(path, readFileSync(path).fill(0x55, 4096));
    using projection = openProjection({ path }, SCHEMA);
    expect(projection.applied('S')).toBeUndefined();
  });

  it('is made whole or not at all', () => {
    const halfway = { ...SCHEMA, sql: `${SCHEMA.sql} CREATE TABLE things (again TEXT);` };
    expect(() => openProjection({ path }, halfway)).toThrow('already exists');
    using projection = openProjection({ path }, SCHEMA);
    expect(projection.applied('S')).toBeUndefined();
  });
});

function setVersion(): void {
  const db = new DatabaseSync(path);
  db.exec("PRAGMA user_version = 2; INSERT INTO applied VALUES ('S', '7')");
  db.close();
}

function tearPages(): void {
  writeFileSync(path, Buffer.concat([Buffer.from('SQLite format 3\0'), Buffer.alloc(8000, 7)]));
}

function writeText(): void {
  writeFileSync(path, 'no database '.repeat(1000));
}
