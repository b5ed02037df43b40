"""A callback has the first fault that names its event or any."""

from telebridge.simulator.setup.faults import CallbackFault, SimulatorFaults


def test_by_default_nothing_goes_wrong():
    fault = SimulatorFaults().callback("completed")
    assert (fault.lose, fault.delay_seconds, fault.copies) == (False, 0.0, 1)


def test_the_first_fault_of_an_event_counts():
    lost, late = CallbackFault("completed", lose=True), CallbackFault(delay_seconds=5)
    faults = SimulatorFaults(callbacks=(lost, late))
    assert faults.callback("completed") is lost
    assert faults.callback("ringing") is late
