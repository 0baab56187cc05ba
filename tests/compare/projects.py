"""Folders of projects in the layouts that tools leave, their reports written in the documented formats."""

HLS4ML = """\
Backend: {backend}
ClockPeriod: {clock}
IOType: io_stream
Part: xczu7ev-ffvc1156-2-e
ProjectName: {name}
"""

PROFILE = """\
<profile>
<ReportVersion><Version>{version}</Version></ReportVersion>
<UserAssignments>
<unit>ns</unit><Part>xczu7ev-ffvc1156-2-e</Part><TopModelName>{top}</TopModelName>
<TargetClockPeriod>{target}</TargetClockPeriod><ClockUncertainty>0.62</ClockUncertainty>
</UserAssignments>
<PerformanceEstimates>
<PipelineType>dataflow</PipelineType>
<SummaryOfTimingAnalysis><unit>ns</unit><EstimatedClockPeriod>{estimate}</EstimatedClockPeriod>
</SummaryOfTimingAnalysis>
<SummaryOfOverallLatency>
<unit>clock cycles</unit>
<Best-caseLatency>{latency}</Best-caseLatency><Average-caseLatency>{latency}</Average-caseLatency>
<Worst-caseLatency>{latency}</Worst-caseLatency>
<Interval-min>{interval}</Interval-min><Interval-max>{interval}</Interval-max>
</SummaryOfOverallLatency>
</PerformanceEstimates>
<AreaEstimates>
<Resources><BRAM_18K>{bram}</BRAM_18K><DSP48E>{dsp}</DSP48E><FF>{ff}</FF><LUT>{lut}</LUT></Resources>
<AvailableResources><BRAM_18K>624</BRAM_18K><DSP48E>1728</DSP48E><FF>460800</FF><LUT>230400</LUT></AvailableResources>
</AreaEstimates>
{more}
</profile>
"""


def profile(top="unet", *, version="2019.2", target="5.00", estimate="4.374", latency=7_113, interval=7_114,
            lut=11_413, ff=9_876, dsp=12, bram=34, more=""):
    """A report of C-synthesis."""
    return PROFILE.format(top=top, version=version, target=target, estimate=estimate, latency=latency,
                          interval=interval, lut=lut, ff=ff, dsp=dsp, bram=bram, more=more)


def write(path, content):
    """A file with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def hls4ml(folder, backend="Vitis", *, name="unet", clock=5.0):
    """An hls4ml project that no tool has touched yet."""
    write(folder / "hls4ml_config.yml", HLS4ML.format(backend=backend, name=name, clock=clock))
    return folder


def wrapped(folder, *, whole=True, backend="VivadoAccelerator"):
    """A project of the accelerator's backend: its top wraps the network's function, which has a report too."""
    reports = hls4ml(folder, backend) / "unet_prj" / "solution1" / "syn" / "report"
    write(reports / "unet_axi_csynth.xml", profile("unet_axi"))
    small = {"dsp": 0, "bram": 0}
    write(reports / "unet_csynth.xml", profile("unet", latency=2, interval=1, lut=112, ff=80, **small))
    write(reports / "Loop_1_proc_csynth.xml", profile("Loop_1_proc", latency=5, interval=5, lut=310, ff=99, **small))
    if whole:
        write(reports / "csynth.xml", profile("unet_axi"))
    return folder


def hierarchy(*modules, inside=()):
    """What newer tools write of the modules: names and LUTs of what the top calls, and of what its ``unet`` calls."""
    def instance(name, within=""):
        return (f"<Instance><InstName>{name}_U0</InstName><ModuleName>{name}</ModuleName>"
                f"<InstancesList>{within}</InstancesList></Instance>")

    def module(name, lut):
        return (f"<Module><Name>{name}</Name><PerformanceEstimates/><AreaEstimates><Resources><LUT>{lut}</LUT>"
                "</Resources></AreaEstimates></Module>")

    deeper = "".join(instance(name) for name, _ in inside)
    direct = "".join(instance(name, deeper if name == "unet" else "") for name, _ in modules)
    listed = "".join(module(*each) for each in (*modules, *inside))
    return (f"<RTLDesignHierarchy><TopModule><ModuleName>top</ModuleName><InstancesList>{direct}</InstancesList>"
            f"</TopModule></RTLDesignHierarchy><ModuleInformation>{listed}</ModuleInformation>")
