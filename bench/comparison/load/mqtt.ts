/** The few packets of MQTT 3.1.1 that the load needs, all with quality of service 0. */

const KEEP_ALIVE_OFF = [0, 0];
const CLEAN_SESSION = 0x02;
const PACKET_ID = [0, 1];

export const MQTT_KIND = { connack: 0x20, suback: 0x90 } as const;

export function mqttConnect(clientId: string): Buffer {
  const variable = Buffer.from([...string("MQTT"), 4, CLEAN_SESSION, ...KEEP_ALIVE_OFF]);
  return packet(0x10, Buffer.concat([variable, string(clientId)]));
}

export function mqttSubscribe(topic: string): Buffer {
  return packet(0x82, Buffer.concat([Buffer.from(PACKET_ID), string(topic), Buffer.from([0])]));
}

export function mqttPublish(topic: string, content: string): Buffer {
  return packet(0x30, Buffer.concat([string(topic), Buffer.from(content)]));
}

function string(text: string): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(text.length);
  return Buffer.concat([length, Buffer.from(text)]);
}

function packet(kind: number, body: Buffer): Buffer {
  const head = [kind];
  let length = body.length;
  do {
    head.push((length & 0x7f) | (length > 0x7f ? 0x80 : 0));
    length >>= 7;
  } while (length > 0);
  return Buffer.concat([Buffer.from(head), body]);
}
