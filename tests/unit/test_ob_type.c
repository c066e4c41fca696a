/* SPDX-License-Identifier: MIT */
/*
 * test_ob_type.c - types are objects, in \ObjectTypes.
 */
#include "mm/pool/pool_inject.h"
#include "rtl.h"
#include "tests/unit/ob_world.h"

static const OB_TYPE_DESCRIPTION Description = {
    .Name = u"Extra", .PoolType = PagedPool, .Tag = 0x61727445u, .ValidAccessMask = 1};

TEST(ObType_of_types_is_its_own)
{
    ObWorldStart();
    CHECK_EQUAL((ULONG_PTR)ObpTypeObjectType, (ULONG_PTR)ObGetType(ObpTypeObjectType));
    CHECK_EQUAL((ULONG_PTR)ObpTypeObjectType, (ULONG_PTR)ObGetType(ThingType));
    CHECK_EQUAL(1, ObpTypeObjectType->Index);
    CHECK_EQUAL(7, ThingType->Index); /* Type, Directory, SymbolicLink, Event, Section, Process */
    CHECK_EQUAL(7, ObpTypeObjectType->TotalNumberOfObjects);
    ObWorldFinish();
}

TEST(ObType_is_found_by_name_and_two_of_a_name_collide)
{
    UNICODE_STRING Name = NT_CONSTANT_STRING(u"\\ObjectTypes\\Process");
    PVOID Found = NULL;
    POBJECT_TYPE Type;

    ObWorldStart();
    CHECK_EQUAL(STATUS_SUCCESS, ObReferenceObjectByName(&Name, 0, NULL, 0, ObpTypeObjectType,
                                                        KernelMode, NULL, &Found));
    CHECK_EQUAL((ULONG_PTR)PsProcessType, (ULONG_PTR)Found);
    ObDereferenceObject(Found);
    CHECK_EQUAL(STATUS_SUCCESS, ObCreateType(&Description, &Type));
    CHECK_EQUAL(STATUS_OBJECT_NAME_COLLISION, ObCreateType(&Description, &Type));
    CHECK_EQUAL(8, ObpTypeObjectType->TotalNumberOfObjects);
    MiVerifyAll();
    HostMachineDelete(); /* the type stays: no balance */
}

TEST(ObType_survives_each_failure)
{
    NTSTATUS Status = STATUS_UNSUCCESSFUL;
    POBJECT_TYPE Type;
    ULONG Nth;

    ObWorldStart();
    for (Nth = 1; !NT_SUCCESS(Status) && Nth < 40; Nth++) {
        MiFailPoolAllocation(Nth);
        Status = ObCreateType(&Description, &Type);
        MiFailPoolAllocation(0);
        CHECK(NT_SUCCESS(Status) || Status == STATUS_INSUFFICIENT_RESOURCES);
        CHECK_EQUAL(NT_SUCCESS(Status) ? 8 : 7, ObpTypeObjectType->TotalNumberOfObjects);
        MiVerifyAll();
    }
    CHECK(Nth > 3 && Nth < 40);
    HostMachineDelete();
}
