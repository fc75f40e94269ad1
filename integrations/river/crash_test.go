package riverwait_test

const workerURL, workerEndpoint = "RIVERWAIT_WORKER_URL", "RIVERWAIT_WORKER_ENDPOINT"

func crashWorker(url, endpoint string) {}
