"""Who turns the switches of the demo's faults off?"""

from dashboard.demo.faults import FAULTS, Faults


def test_a_new_start_finds_every_fault_off(tmp_path):
    Faults(tmp_path, None).switch(FAULTS[0].name, True)
    served = Faults(tmp_path, None)
    served.start()
    served.stop()
    assert not any(served.is_on(fault.name) for fault in FAULTS)


def test_a_command_on_the_same_folder_leaves_them_as_they_are(tmp_path):
    Faults(tmp_path, None).switch(FAULTS[0].name, True)
    assert Faults(tmp_path, None).is_on(FAULTS[0].name)
