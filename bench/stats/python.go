package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os/exec"
	"time"
)

// pythonProgram reads the values of a set and, for each line on its standard
// input, computes once and prints the nanoseconds that took.
const pythonProgram = `
import sys, time
import numpy, scipy.stats
n, part, repeat = (int(x) for x in sys.stdin.buffer.readline().split())
data = numpy.frombuffer(sys.stdin.buffer.read(8 * n), dtype="<f8")
parts = [data[i:i+part] for i in range(0, n - part + 1, part)]
print("ready", numpy.__version__, scipy.__version__, flush=True)
for line in sys.stdin.buffer:
    wall, cpu = time.perf_counter_ns(), time.process_time_ns()
    for _ in range(repeat):
        for x in parts:
            numpy.mean(x), numpy.median(x), scipy.stats.mode(x)
    print(time.perf_counter_ns() - wall, time.process_time_ns() - cpu, flush=True)
`

// python is an interpreter that has a set's values.
type python struct {
	command *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
}

func startPython(interpreter string, s set) (*python, error) {
	if err := exec.Command(interpreter, "-c", "import numpy, scipy").Run(); err != nil {
		return nil, fmt.Errorf("%s cannot import them (%v): pip install numpy scipy, or name a Python that has them with -python", interpreter, err)
	}
	if s.part < 1000 {
		return nil, errors.New("it takes minutes for so many small parts")
	}
	p := &python{command: exec.Command(interpreter, "-c", pythonProgram)}
	in, err := p.command.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := p.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.in, p.out = in, bufio.NewReader(out)
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	raw := fmt.Appendf(nil, "%d %d %d\n", len(s.values), s.part, s.repeat)
	for _, x := range s.values {
		raw = binary.LittleEndian.AppendUint64(raw, math.Float64bits(x))
	}
	if _, err := in.Write(raw); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	if _, err := p.out.ReadString('\n'); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return p, nil
}

// run has it compute once.
func (p *python) run() (cost, error) {
	if _, err := fmt.Fprintln(p.in, "run"); err != nil {
		return cost{}, err
	}
	var wall, cpu int64
	if _, err := fmt.Fscan(p.out, &wall, &cpu); err != nil {
		return cost{}, err
	}
	return cost{wall: time.Duration(wall), cpu: time.Duration(cpu)}, nil
}

func (p *python) stop() error {
	if err := p.in.Close(); err != nil {
		return err
	}
	return p.command.Wait()
}
