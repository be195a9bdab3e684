// Kubernetes' client for Node, as its users write it. Run by test_node.py with a kubeconfig in KUBECONFIG.
// Commands come as lines on stdin; each answer, and each change that the informer saw, is a line of JSON on stdout.
const k8s = require("@kubernetes/client-node");
const readline = require("node:readline");

const config = new k8s.KubeConfig();
config.loadFromDefault();
const core = config.makeApiClient(k8s.CoreV1Api);
const namespace = "default";
const labelSelector = "by=node";
const say = (what) => console.log(JSON.stringify(what));

const informer = k8s.makeInformer(
  config, `/api/v1/namespaces/${namespace}/configmaps`,
  () => core.listNamespacedConfigMap({ namespace, labelSelector }), labelSelector,
);
informer.on("error", () => setTimeout(() => informer.start(), 100));

const commands = {
  async create(name) {
    const body = { metadata: { name, labels: { by: "node" } }, data: { made: "yes" } };
    return (await core.createNamespacedConfigMap({ namespace, body })).metadata.uid;
  },
  async list() {
    const names = [];
    let _continue;
    do {
      const page = await core.listNamespacedConfigMap({ namespace, labelSelector, limit: 2, _continue });
      names.push(...page.items.map((each) => each.metadata.name));
      _continue = page.metadata._continue;
    } while (_continue);
    return names;
  },
  async apply(name, value) {
    const body = {
      apiVersion: "v1", kind: "ConfigMap", metadata: { name, labels: { by: "node" } }, data: { applied: value },
    };
    const strategy = k8s.setHeaderOptions("Content-Type", k8s.PatchStrategy.ServerSideApply);
    return (await core.patchNamespacedConfigMap({ name, namespace, body, fieldManager: "node" }, strategy)).data;
  },
  async merge(name, value) {
    const body = { data: { merged: value } };
    const strategy = k8s.setHeaderOptions("Content-Type", k8s.PatchStrategy.MergePatch);
    return (await core.patchNamespacedConfigMap({ name, namespace, body }, strategy)).data;
  },
  async remove(name) {
    return (await core.deleteNamespacedConfigMap({ name, namespace })).status;
  },
  // The first event of a watch from the newest state, by a change that is made when the watch is open.
  async watch(name) {
    const start = (await core.listNamespacedConfigMap({ namespace })).metadata.resourceVersion;
    return new Promise((resolve, reject) => {
      let request;
      const path = `/api/v1/namespaces/${namespace}/configmaps`;
      const onEvent = (type, object) => { resolve([type, object.metadata.name]); request.abort(); };
      new k8s.Watch(config).watch(path, { resourceVersion: start }, onEvent, () => {}).then((opened) => {
        request = opened;
        return commands.create(name);
      }).catch(reject);
    });
  },
  async state() {
    return Object.fromEntries(informer.list().map((each) => [each.metadata.name, each.metadata.resourceVersion]));
  },
};

async function main() {
  await informer.start();
  say("ready");
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const [command, ...rest] = line.split(" ");
    try {
      say(await commands[command](...rest));
    } catch (error) {
      say({ code: error.code, body: error.body ?? String(error) });
    }
  }
  await informer.stop();
  process.exit(0);
}

main();
