package main

import (
	"os"
	"os/exec"
	"regexp"
	"testing"

	"clirgate/cmd/clirgate/config"
)

// The example that is shipped is right.
func TestDeployedExample(t *testing.T) {
	if problems := config.Check("../../deploy/clirgate.yaml"); len(problems) > 0 {
		t.Errorf("problems:\n%v", problems)
	}
}

// Every alert has a unit test (promtool), which is run where promtool is.
func TestDeployedAlerts(t *testing.T) {
	const dir = "../../deploy/prometheus/"
	names := func(file, pattern string) (list []string) {
		b, err := os.ReadFile(dir + file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(b), -1) {
			list = append(list, m[1])
		}
		return list
	}
	tested := map[string]bool{}
	for _, name := range names("alerts_test.yaml", `alertname: (\w+)`) {
		tested[name] = true
	}
	alerts := names("alerts.yaml", `alert: (\w+)`)
	if len(alerts) == 0 {
		t.Error("no alerts")
	}
	for _, name := range alerts {
		if !tested[name] {
			t.Errorf("%s has no unit test in alerts_test.yaml", name)
		}
	}
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Log("promtool is not installed: the rules are not run")
		return
	}
	for _, args := range [][]string{{"check", "rules", dir + "alerts.yaml"}, {"test", "rules", dir + "alerts_test.yaml"}} {
		if out, err := exec.Command(promtool, args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %v: %v\n%s", args, err, out)
		}
	}
}
