package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/log"
	sqliteplugin "go.temporal.io/server/common/persistence/sql/sqlplugin/sqlite"
	"go.temporal.io/server/schema/sqlite"
	"go.temporal.io/server/temporal"
)

// host is where all parts of the server listen, and find each other.
const host = "127.0.0.1"

// newServer returns a server that keeps the workflows of the namespace "default" in a file, and
// continues with those that are in it.
func newServer(file string, port int) (temporal.Server, error) {
	if file == "" {
		return nil, errors.New("-file is required")
	}
	database := &config.SQL{
		PluginName:   sqliteplugin.PluginName,
		DatabaseName: file,
		// What is not one of SQLite's parameters becomes a pragma. A kill loses nothing with these;
		// a power failure may lose the last moments.
		ConnectAttributes: map[string]string{"mode": "rwc", "journal_mode": "WAL", "synchronous": "NORMAL"},
	}
	if _, err := os.Stat(file); errors.Is(err, os.ErrNotExist) {
		if err := sqlite.SetupSchema(database); err != nil {
			return nil, err
		}
	}
	namespace, err := sqlite.NewNamespaceConfig("active", "default", false, nil)
	if err != nil {
		return nil, err
	}
	if err := sqlite.CreateNamespaces(database, namespace); err != nil {
		return nil, err
	}
	settings, err := configuration(database, port)
	if err != nil {
		return nil, err
	}
	return temporal.NewServer(
		temporal.WithConfig(settings),
		temporal.ForServices(temporal.DefaultServices),
		temporal.WithLogger(log.NewNoopLogger()),
		temporal.WithDynamicConfigClient(dynamicconfig.StaticClient{
			dynamicconfig.ForceSearchAttributesCacheRefreshOnRead.Key(): []dynamicconfig.ConstrainedValue{{Value: true}},
		}),
	)
}

// configuration returns what a server in one process needs.
func configuration(database *config.SQL, port int) (*config.Config, error) {
	frontend := fmt.Sprintf("%s:%d", host, port)
	c := &config.Config{
		Persistence: config.Persistence{
			DefaultStore: sqliteplugin.PluginName, VisibilityStore: sqliteplugin.PluginName, NumHistoryShards: 1,
			DataStores: map[string]config.DataStore{sqliteplugin.PluginName: {SQL: database}},
		},
		ClusterMetadata: &cluster.Config{
			FailoverVersionIncrement: 10, MasterClusterName: "active", CurrentClusterName: "active",
			ClusterInformation: map[string]cluster.ClusterInformation{
				"active": {Enabled: true, InitialFailoverVersion: 1, RPCAddress: frontend},
			},
		},
		DCRedirectionPolicy: config.DCRedirectionPolicy{Policy: "noop"},
		PublicClient:        config.PublicClient{HostPort: frontend},
		Services:            map[string]config.Service{},
		Archival: config.Archival{
			History:    config.HistoryArchival{State: "disabled"},
			Visibility: config.VisibilityArchival{State: "disabled"},
		},
		NamespaceDefaults: config.NamespaceDefaults{Archival: config.ArchivalNamespaceDefaults{
			History:    config.HistoryArchivalNamespaceDefaults{State: "disabled"},
			Visibility: config.VisibilityArchivalNamespaceDefaults{State: "disabled"},
		}},
	}
	c.Global.Membership = config.Membership{MaxJoinDuration: 30 * time.Second, BroadcastAddress: host}
	ports, err := freePorts(7)
	if err != nil {
		return nil, err
	}
	for i, name := range []string{"frontend", "history", "matching", "worker"} {
		rpc := config.RPC{GRPCPort: port, MembershipPort: ports[i], BindOnLocalHost: true}
		if name != "frontend" {
			rpc.GRPCPort = ports[3+i]
		}
		c.Services[name] = config.Service{RPC: rpc}
	}
	return c, nil
}

// freePorts returns n ports that nothing listens on. Others may take them before the server does.
func freePorts(n int) ([]int, error) {
	var ports []int
	for range n {
		l, err := net.Listen("tcp", host+":0") //nolint:noctx // it ends at once
		if err != nil {
			return nil, err
		}
		defer l.Close()
		address, err := netip.ParseAddrPort(l.Addr().String())
		if err != nil {
			return nil, err
		}
		ports = append(ports, int(address.Port()))
	}
	return ports, nil
}
