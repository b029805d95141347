package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// cpuGroup is a control group that holds its processes to a share of a core,
// as Lambda does by a function's memory.
type cpuGroup struct{ dir string }

// period is in which a group's share is given out. Lambda's own is 20 ms, as
// far as it was measured.
const period = 20 * time.Millisecond

// hierarchy is where and how a version of the kernel's control groups is told
// a share.
type hierarchy struct {
	// dir holds the groups, and has the file named sign where it can hold the
	// CPU.
	dir, sign string
	// limits are the files of a group and their content, in order.
	limits func(quota, period int64) [][2]string
}

var hierarchies = []hierarchy{
	{
		dir: "/sys/fs/cgroup", sign: "cgroup.subtree_control", // version 2
		limits: func(quota, period int64) [][2]string {
			return [][2]string{{"cpu.max", fmt.Sprintf("%d %d", quota, period)}}
		},
	},
	{
		dir: "/sys/fs/cgroup/cpu", sign: "cpu.cfs_quota_us", // version 1
		limits: func(quota, period int64) [][2]string {
			return [][2]string{
				{"cpu.cfs_period_us", strconv.FormatInt(period, 10)},
				{"cpu.cfs_quota_us", strconv.FormatInt(quota, 10)},
			}
		},
	},
}

// newCPUGroup makes a group for a share of a core, over 1 for more than one.
func newCPUGroup(share float64) (*cpuGroup, error) {
	var errs []error
	for _, h := range hierarchies {
		g, err := h.group(share)
		if err == nil {
			return g, nil
		}
		errs = append(errs, err)
	}
	return nil, fmt.Errorf("make control group: %w", errors.Join(errs...))
}

func (h hierarchy) group(share float64) (*cpuGroup, error) {
	if _, err := os.Stat(filepath.Join(h.dir, h.sign)); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(h.dir, "auth0-logs-bench-")
	if err != nil {
		return nil, err
	}
	g := &cpuGroup{dir}
	for _, limit := range h.limits(quotaOf(share), period.Microseconds()) {
		if err := g.write(limit[0], limit[1]); err != nil {
			return nil, errors.Join(err, g.close())
		}
	}
	return g, nil
}

// quotaOf is a share of the period, in microseconds.
func quotaOf(share float64) int64 { return int64(share * float64(period.Microseconds())) }

// write sets one of the group's files, which the kernel has made.
func (g *cpuGroup) write(name, text string) error {
	f, err := os.OpenFile(filepath.Join(g.dir, name), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

// add puts a process into the group.
func (g *cpuGroup) add(pid int) error { return g.write("cgroup.procs", strconv.Itoa(pid)) }

// close removes the group, whose processes must have ended.
func (g *cpuGroup) close() error { return os.Remove(g.dir) }

// cpuGroupsWork tries whether a group can be made.
func cpuGroupsWork() error {
	g, err := newCPUGroup(1)
	if err != nil {
		return err
	}
	return g.close()
}
