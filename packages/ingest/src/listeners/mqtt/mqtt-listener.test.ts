import type { Packet } from 'mqtt-packet';
import { describe, test } from 'vitest';
import { MqttClient } from '../../../test/mqtt-client.ts';
import { openMqttForTest } from '../../../test/mqtt-listener-fixture.ts';
import { listenerCases, runListenerCase } from '../contract/listener-cases.ts';
import {
  CONTRACT_SOURCE,
  CONTRACT_TOKEN,
  type ListenerClient,
  type ListenerDriver,
  type SendOutcome,
} from '../contract/listener-driver.ts';

const TOPIC = `${CONTRACT_SOURCE}/log`;

/** Sends as a device does: what was not acknowledged is sent again by the same client, with the same identifiers, as a resend. */
class ContractClient implements ListenerClient {
  static readonly sent = new Map<string, { readonly client: string; readonly first: number }>();
  #client: MqttClient;
  readonly #open: (clientId?: string) => Promise<MqttClient>;
  readonly #qos: 1 | 2;
  #nextId = 1;

  constructor(client: MqttClient, qos: 1 | 2, open: (clientId?: string) => Promise<MqttClient>) {
    this.#client = client;
    this.#qos = qos;
    this.#open = open;
  }

  async send(texts: readonly string[]): Promise<SendOutcome> {
    const batch = texts.join();
    const known = ContractClient.sent.get(batch);
    if (known !== undefined) this.#client = await this.#open(known.client);
    const { clientId, heard } = this.#client;
    const first = known?.first ?? this.#nextId;
    ContractClient.sent.set(batch, { client: clientId, first });
    this.#nextId = first + texts.length;
    heard.length = 0;
    const isResend = known !== undefined;
    for (const [i, text] of texts.entries())
      this.#client.publish(TOPIC, `|${text}`, { messageId: first + i, dup: isResend, qos: this.#qos });
    const ack = this.#qos === 1 ? 'puback' : 'pubrec';
    const acks = (): Packet[] => heard.filter(({ cmd }) => cmd === ack);
    while (acks().length < texts.length && !this.#client.socket.closed) await new Promise((resolve) => setTimeout(resolve, 2));
    if (acks().length < texts.length) return 'refused';
    ContractClient.sent.delete(batch);
    if (this.#qos === 2) for (const { messageId = 0 } of acks()) this.#client.send({ cmd: 'pubrel', messageId });
    return 'acknowledged';
  }

  async sendGarbage(): Promise<void> {
    this.#client.socket.write(Buffer.from([0x00, 0xff, 0xff, 0xff, 0xff, 0xff]));
    await this.#client.closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.drop();
  }
}

function driver(version: 4 | 5, qos: 1 | 2): ListenerDriver {
  return {
    name: `MQTT version ${version}, QoS ${qos}`,
    acknowledges: true,
    mayDrop: false,
    keepsIds: true,
    async open(context) {
      ContractClient.sent.clear();
      const { listener, port } = await openMqttForTest(context);
      return {
        listener,
        async connect(as) {
          const password = as === 'known' ? CONTRACT_TOKEN : 'another';
          const open = (clientId?: string): Promise<MqttClient> => MqttClient.open({ port, version, password, clientId });
          return new ContractClient(await open(), qos, open);
        },
        [Symbol.asyncDispose]: async () => undefined,
      };
    },
  };
}

describe.each([driver(4, 1), driver(5, 1), driver(4, 2), driver(5, 2)].map((each) => [each.name, each] as const))('%s', (_, each) => {
  test.each(listenerCases.map((one) => [one.name, one] as const))('%s', (_name, one) => runListenerCase(one, each));
});
